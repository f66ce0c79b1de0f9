"""A Stripe-shaped payment gateway over HTTP, with a truth log of what really happened."""
