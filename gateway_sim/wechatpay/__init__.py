"""The parking product of WeChat Pay (支付分停车), to fail against."""
