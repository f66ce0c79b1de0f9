"""What the hosted pages say, in Chinese and English."""

WORDS = {
    "zh": {
        "lang": "zh-CN",
        "pay_title": "支付停车费",
        "save_title": "绑定银行卡",
        "card_label": "测试卡号",
        "pay": "支付",
        "save": "绑定",
        "pay_explanation": "这是模拟支付页面，不会真正扣款。",
        "save_explanation": "绑定后离场自动扣费。这是模拟页面，不会真正扣款。",
        "cancel": "取消",
        "completed": "已完成，谢谢！",
        "expired": "此页面已过期。",
        "back": "返回",
        "bank": "银行验证",
        "bank_question": "是您本人在使用这张卡吗？",
        "approve": "是我本人",
        "deny": "不是我",
        "bank_done": "验证已结束，可以关闭此页面。",
        "footer": "支付网关模拟器",
    },
    "en": {
        "lang": "en",
        "pay_title": "Pay for parking",
        "save_title": "Save a card",
        "card_label": "Test card number",
        "pay": "Pay",
        "save": "Save card",
        "pay_explanation": "This is a simulated payment page; no money moves.",
        "save_explanation": (
            "Parking is charged to this card after you leave. This page is simulated; no money "
            "moves."
        ),
        "cancel": "Cancel",
        "completed": "All done, thank you!",
        "expired": "This page has expired.",
        "back": "Back",
        "bank": "Your bank asks",
        "bank_question": "Is it you who is using this card?",
        "approve": "Yes, it is me",
        "deny": "No",
        "bank_done": "That is settled; you can close this page.",
        "footer": "Payment gateway simulator",
    },
}
