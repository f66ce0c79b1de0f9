"""WeChat Pay's parking product, through its library: the only room that imports it."""

from billing.providers.wechatpay.gateway import WeChatPay as WeChatPay
