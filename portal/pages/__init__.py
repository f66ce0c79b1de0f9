"""What people open in a browser: the live page, the driver's pay page, the day's statement."""
