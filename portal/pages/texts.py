"""Every word that the pages show, in Chinese and English, and the tone of every state.

A state that is missing here would be shown as its bare code, so a test walks all of them.
"""

from typing import Final, Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en"]

_PAIRS: Final[dict[str, tuple[str, str]]] = {
    "title": ("先离场，后付费", "Leave First"),
    "tag": ("车走人不等，费用随后结清", "Leave at once, pay afterwards"),
    "other_lang": ("EN", "中文"),
    "live": ("实时", "live"),
    "away": ("连接中断", "no connection"),
    "noscript": ("此页需要 JavaScript。", "This page needs JavaScript."),
    "figures_label": ("总览", "At a glance"),
    "inside": ("在场车辆", "cars inside"),
    "free": ("空余车位", "free spaces"),
    "stays_done": ("完成的停车", "stays closed"),
    "paid": ("已收", "paid"),
    "owed": ("待收", "outstanding"),
    "lots": ("停车场", "Lots"),
    "operators": ("运营方", "Operators"),
    "clones": ("疑似套牌", "Plates on two cars?"),
    "stays": ("停车记录", "Stays"),
    "payments": ("付款", "Payments"),
    "newest_first": ("最新在前", "newest first"),
    "visits": ("次停车", "stays"),
    "total": ("合计", "Total"),
    "tariff": ("费率", "tariff"),
    "stay": ("停车", "stay"),
    "trace": ("追踪号", "trace"),
    "driver_page": ("车主页面", "driver's page"),
    "pay.so_far": ("目前费用", "Fee so far"),
    "pay.then": ("此后", "From then on"),
    "no_fee_yet": ("出场后计费。", "The fee is worked out at the exit."),
    "read_as": ("出口识别为", "Read at the exit as"),
    "tries": ("次尝试", "tries"),
    "next_try": ("下次", "next"),
    "gross": ("应收", "Gross"),
    "commission": ("平台佣金", "Commission"),
    "gateway_fees": ("渠道手续费", "Gateway fees"),
    "outstanding": ("待收", "Outstanding"),
    "collected": ("已收", "Collected"),
    "net": ("应结给运营方", "Net to the operator"),
    "statement": ("对账单", "Statement"),
    "lot.free": ("空", "free"),
    "lot.of": ("共", "of"),
    "lot.counted": ("盘点于", "counted"),
    "kind.small": ("小型车", "small"),
    "kind.large": ("大型车", "large"),
    "kind.motorcycle": ("摩托车", "motorcycle"),
    "kind.new_energy": ("新能源", "new energy"),
    "clone.inside_elsewhere": (
        "在一个停车场的入场与出场之间，又出现在另一个停车场。",
        "Read at one lot between its entry to and its exit from another.",
    ),
    "clone.too_fast": (
        "先后出现在两个停车场，间隔短得开不到。",
        "Read at two lots sooner after one another than anyone can drive.",
    ),
    "clone.entry": ("入场", "in"),
    "clone.exit": ("出场", "out"),
    "clone.held": (
        "在车主或管理方确认之前，这两次停车都不收费。",
        "Neither stay is charged before its driver or the city has said whose it is.",
    ),
    "empty.clones": ("没有疑似套牌。", "No such plates."),
    "empty.lots": ("还没有停车场。", "No lots yet."),
    "empty.operators": ("还没有运营方。", "No operators yet."),
    "empty.stays": ("还没有车来过。", "No car has come yet."),
    "empty.payments": ("还没有付款。", "No payments yet."),
    "note.tentative": (
        "出入口车牌仅差一个易混字符，暂按同一辆车匹配；确认之前不收费。",
        "Entry and exit are one look-alike character apart: not charged before it is confirmed.",
    ),
    "note.cloned_plate": (
        "疑似套牌：同一车牌在别处也有停车，确认之前不收费。",
        "Also read elsewhere, as no one car can be: not charged before it is decided.",
    ),
    "note.other_car": (
        "已确认为他人套用此车牌，不向车主收费。",
        "Decided: another car bore this plate. Its driver is not charged.",
    ),
    "note.missed_exit": ("没有看到出场，不收费。", "The exit was never seen: nothing is charged."),
    "note.missed_entry": (
        "没有看到入场，不收费。",
        "The entry was never seen: nothing is charged.",
    ),
    "note.unbound": (
        "车牌尚未绑定，费用挂账，可在车主页面支付。",
        "No driver has bound this plate: the fee stays owed and can be paid on the driver's page.",
    ),
    "state.open": ("在场", "inside"),
    "state.missed_exit": ("漏拍出场", "missed exit"),
    "state.missed_entry": ("漏拍入场", "missed entry"),
    "state.tentative": ("待确认", "tentative"),
    "state.cloned_plate": ("疑似套牌", "suspected clone"),
    "state.other_car": ("他车套牌", "another car"),
    "state.free": ("免费", "free"),
    "state.contested": ("申诉中", "contested"),
    "state.disputed": ("银行核查中", "with the bank"),
    "state.closed": ("已出场", "closed"),
    "state.unbound": ("未绑定", "unbound"),
    "state.outstanding": ("待支付", "outstanding"),
    "state.paying": ("支付中", "paying"),
    "state.paid": ("已支付", "paid"),
    "state.cancelled": ("已取消", "cancelled"),
    "state.ready": ("等待扣款", "queued"),
    "state.in_flight": ("扣款中", "in flight"),
    "state.unknown": ("结果未知", "unknown"),
    "state.pending": ("渠道处理中", "processing"),
    "state.page_open": ("付款页已打开", "page open"),
    "state.waiting": ("被拒，将重试", "declined, will retry"),
    "state.stopped": ("需更换银行卡", "needs another card"),
    "state.abandoning": ("撤销中", "withdrawing"),
    "state.succeeded": ("成功", "succeeded"),
    "state.abandoned": ("已放弃", "abandoned"),
    "by.card": ("自动扣款", "bound card"),
    "by.checkout": ("车主自行支付", "paid by hand"),
    "signin.title": ("请输入访问密钥", "Key, please"),
    "signin.why": (
        "车牌属于个人信息，此页需要运营方或管理员密钥。",
        "Plates are personal data, so this page opens with an operator's or the admin's key.",
    ),
    "signin.label": ("密钥", "Key"),
    "signin.button": ("打开", "Open"),
    "signin.wrong": ("密钥无效或已撤销。", "This key is not known, or it was revoked."),
    "pay.title": ("停车费", "Parking fee"),
    "pay.button": ("去支付", "Pay now"),
    "pay.entered": ("入场", "Entered"),
    "pay.left": ("出场", "Left"),
    "pay.lot": ("停车场", "Lot"),
    "pay.open": (
        "车辆仍在场内，离场后在此支付即可。",
        "The car is still inside. Leave first; pay here.",
    ),
    "pay.paid": ("已支付，谢谢！", "Paid. Thank you!"),
    "pay.receipt": ("下载收据 (PDF)", "Receipt (PDF)"),
    "pay.contested": (
        "费用申诉处理中，在此期间不会收取。",
        "This fee is contested. Nothing is collected until that is decided.",
    ),
    "pay.disputed": (
        "付款人的银行正在核查这笔支付，在此期间不会收取。",
        "The payer's bank is looking into this payment. Nothing is collected meanwhile.",
    ),
    "statement.files": ("下载", "Take away"),
    "pay.free": ("本次停车免费。", "This stay is free."),
    "pay.none": ("这次停车无需支付。", "There is nothing to pay for this stay."),
    "pay.tentative": (
        "车牌匹配待确认，确认前无需支付。",
        "The match of this stay is still being confirmed; nothing is due before that.",
    ),
    "pay.cloned_plate": (
        "这个车牌在别处也有停车记录，疑似被套用；确认之前无需支付。",
        "Your plate was read elsewhere too, as no one car can be: nothing is due until decided.",
    ),
    "pay.other_car": (
        "已确认不是您的车，无需支付。",
        "This was found not to be your car; there is nothing to pay.",
    ),
    "pay.underway": (
        "自动扣款进行中，无需操作。",
        "The bound card is being charged; there is nothing to do.",
    ),
    "pay.soon": ("费用正在结算，请稍候。", "The fee is being booked; look again in a moment."),
    "pay.away": (
        "暂时无法打开支付页面，请稍后再试。",
        "The payment page cannot be opened just now. Please try again in a moment.",
    ),
    "me.title": ("我的停车", "My parking"),
    "me.why": (
        "绑定一次车牌和银行卡，全城停车先离场、后付费。",
        "Bind plate and card once. Then leave every car park in the city first, and pay later.",
    ),
    "me.phone": ("手机号", "Phone number"),
    "me.no_phone": ("请填写手机号。", "A phone number is needed, for example +86 138 1234 5678."),
    "me.send_code": ("获取验证码", "Send a code"),
    "me.code_sent": ("验证码已发送至", "A code was sent to"),
    "me.code": ("验证码", "Code"),
    "me.sign_in": ("登录", "Sign in"),
    "me.other_phone": ("换一个手机号", "Another number"),
    "me.too_soon": (
        "刚刚已发送过验证码，请稍后再试。",
        "A code was sent a moment ago; another can be sent a little later.",
    ),
    "me.wrong_code": ("验证码不正确。", "This is not the code that was sent last."),
    "me.dead_code": (
        "验证码已失效，请重新获取。",
        "The code is too old or was tried too often. Ask for another.",
    ),
    "me.not_sent": (
        "验证码暂时无法发送，请稍后再试。",
        "The code cannot be sent just now. Please try again in a moment.",
    ),
    "me.plates": ("我的车牌", "My plates"),
    "me.plate": ("添加车牌", "Add a plate"),
    "me.add_plate": ("绑定", "Bind"),
    "me.let_go": ("解绑", "Let go"),
    "me.no_plate": ("请填写车牌号，例如 浙A8B762。", "A number plate is needed, such as 浙A8B762."),
    "me.taken": (
        "此车牌已被其他账户绑定；如果是您的车，可凭行驶证申请取回。",
        "Another account has bound this plate. If it is yours, claim it with the vehicle licence.",
    ),
    "me.card": ("银行卡", "Card"),
    "me.agree": ("我已阅读并同意", "I have read this and agree"),
    "me.consent_first": ("请先勾选同意。", "Please agree to the text first."),
    "me.leave_card": ("绑定银行卡", "Leave a card"),
    "me.other_card": ("更换银行卡", "Another card"),
    "me.take_card": ("解绑银行卡", "Take it back"),
    "me.suspended": (
        "先离场后付费已暂停：请更换银行卡或支付欠费。",
        "Paying later is suspended: leave another card, or pay what is owed.",
    ),
    "me.stays": ("停车与费用", "Stays and fees"),
    "me.no_stays": ("还没有停车费用。", "No fees yet."),
    "me.sign_out": ("退出登录", "Sign out"),
    "thanks.title": ("谢谢！", "Thank you!"),
    "thanks.text": (
        "付款结果确认后会显示在您的停车页面上，通常只需几秒。一路平安。",
        "Your payment will show on the page of your stay in a few seconds. Drive safely.",
    ),
    "thanks.back": ("查看停车", "See the stay"),
    "statement.title": ("日对账单", "Statement of the day"),
    "statement.back": ("返回", "Back"),
    "statement.opening": ("期初余额", "Opening balance"),
    "statement.closing": ("期末余额", "Closing balance"),
    "statement.paid_out": ("当日已打款", "Paid out this day"),
    "statement.to_pay_out": ("已结算待打款", "Settled, to be paid out"),
    "statement.reconciled": ("已对平", "reconciled"),
    "statement.unreconciled": ("未对平", "not reconciled"),
    "statement.empty": ("当日没有流水。", "Nothing moved on this day."),
    "error.title": ("出错了", "Something is not right"),
    "error.404": ("没有这个页面。", "There is no such page."),
    "error.403": ("此密钥无权查看。", "This key may not see this."),
}

TONES: Final[dict[str, str]] = {
    "open": "info",
    "missed_exit": "wait",
    "missed_entry": "wait",
    "tentative": "wait",
    "cloned_plate": "bad",
    "other_car": "",
    "free": "good",
    "contested": "wait",
    "disputed": "wait",
    "closed": "",
    "unbound": "wait",
    "outstanding": "wait",
    "paying": "info",
    "paid": "good",
    "cancelled": "",
    "ready": "info",
    "in_flight": "info",
    "unknown": "bad",
    "pending": "info",
    "page_open": "info",
    "waiting": "wait",
    "stopped": "bad",
    "abandoning": "wait",
    "succeeded": "good",
    "abandoned": "",
}
"""Which colour a state's badge wears; the word beside it always says the same."""


def words(language: Language) -> dict[str, str]:
    """All words of one language by their key."""
    index = 0 if language == "zh" else 1
    return {key: pair[index] for key, pair in _PAIRS.items()}


def language_of(*, cookie: str | None, accept: str) -> Language:
    """Choose the page's language: the reader's own choice first, then the browser's."""
    if cookie in ("zh", "en"):
        return "zh" if cookie == "zh" else "en"
    for part in accept.lower().split(","):
        tag = part.strip()[:2]
        if tag in ("zh", "en"):
            return "zh" if tag == "zh" else "en"
    return "zh"
