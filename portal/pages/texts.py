"""Every word that the pages show, in Chinese and English, and the tone of every state.

A state that is missing here would be shown as its bare code, so a test walks all of them.
"""

from typing import Final, Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en"]

_PAIRS: Final[dict[str, tuple[str, str]]] = {
    "title": ("先离场，后付费", "Leave First"),
    "tag": ("车走人不等，费用随后结清", "Leave at once, pay afterwards"),
    "other_lang": ("EN", "中文"),
    "desk": ("值班台", "Desk"),
    "live": ("实时", "live"),
    "away": ("连接中断", "no connection"),
    "noscript": ("此页需要 JavaScript。", "This page needs JavaScript."),
    "figures_label": ("总览", "At a glance"),
    "inside": ("在场车辆", "cars inside"),
    "free": ("空余车位", "free spaces"),
    "stays_done": ("离场车辆", "cars left"),
    "paid": ("今日已收", "paid today"),
    "owed": ("待收", "outstanding"),
    "lots": ("停车场", "Lots"),
    "today": ("今日", "today"),
    "shown_lots": ("空位最少者，共", "fullest of"),
    "shown_operators": ("今日应收最多者，共", "with the most fees, of"),
    "operators": ("运营方", "Operators"),
    "clones": ("疑似套牌", "Plates on two cars?"),
    "stays": ("停车记录", "Stays"),
    "payments": ("付款", "Payments"),
    "newest_first": ("最新在前", "newest first"),
    "visits": ("辆离场", "left"),
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
    "empty.left": ("还没有车离场。", "No car has left yet."),
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
    "declined.insufficient_funds": ("余额不足", "not enough money"),
    "declined.try_again": ("银行暂时无法处理", "the bank could not answer"),
    "declined.do_not_honour": ("银行拒绝，未说明原因", "the bank gave no reason"),
    "declined.card_unusable": ("银行卡已失效", "the card is no longer good"),
    "declined.authentication_required": ("银行要求车主验证", "the bank asks for its customer"),
    "declined.refused": ("渠道拒绝了请求", "the provider refused our request"),
    "by.card": ("自动扣款", "bound card"),
    "by.deduction": ("微信支付分扣款", "WeChat Pay"),
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
    "pay.too_small": (
        "金额太小，支付渠道不收；会与下一笔一起结算。",
        "The sum is too small for the payment provider; it will be collected with the next one.",
    ),
    "contest.title": ("对费用有异议", "Contest this fee"),
    "contest.link": ("费用不对？提出申诉", "Not right? Contest this fee"),
    "contest.then": (
        "提交后，在停车场处理之前不会收取这笔费用；已支付的，如申诉成立会原路退回。",
        (
            "Nothing is collected until the car park has decided. "
            "If you are right, what you paid is given back."
        ),
    ),
    "contest.why": ("哪里不对", "What is wrong"),
    "contest.not_my_car": ("不是我的车", "It was not my car"),
    "contest.barrier_broken": ("闸机故障，无法离场", "The barrier was broken; I could not leave"),
    "contest.wrong_time": ("时间不对", "The time is wrong"),
    "contest.other": ("其他", "Something else"),
    "contest.say": ("请说明情况", "What happened"),
    "contest.evidence": (
        "照片或单据的网址（可不填）",
        "Address of a photograph or paper (optional)",
    ),
    "contest.send": ("提交申诉", "Send"),
    "contest.wrong.ground": ("请选择哪里不对。", "Choose what is wrong."),
    "contest.wrong.statement": (
        "请说明情况，3 至 4000 字。",
        "Say what happened, in 3 to 4000 characters.",
    ),
    "contest.wrong.evidence_ref": (
        "网址过长，最多 500 字。",
        "This address is too long: 500 characters at most.",
    ),
    "contest.live": (
        "申诉正在处理中，结果会显示在这里。",
        "Your appeal is being looked into; what is decided is shown here.",
    ),
    "contest.free": ("这次停车没有收费。", "Nothing was charged for this stay."),
    "contest.too_late": ("申诉期限已过。", "The time to contest this fee is over."),
    "contest.too_often": (
        "这笔费用已经申诉并处理过。",
        "This fee was contested and decided before.",
    ),
    "contest.not_now": (
        "这笔费用目前不能申诉。",
        "This fee cannot be contested as it stands.",
    ),
    "contested.open": ("处理中", "being looked into"),
    "contested.granted": ("已支持，正在更正", "granted, being corrected"),
    "contested.corrected": ("已支持并更正", "granted and corrected"),
    "contested.refused": ("已驳回", "refused"),
    "contested.withdrawn": ("已撤回", "withdrawn"),
    "claim.title": ("车牌认领", "Claims of plates"),
    "claim.open": ("申请认领", "Claim this plate"),
    "claim.then": (
        "现持有人会收到通知并可答复；有结果之前车牌仍归对方。",
        "Its holder is told, may answer, and keeps the plate until it is decided.",
    ),
    "claim.mine": ("您申请认领此车牌。", "You claim this plate."),
    "claim.against": ("有人申请认领您的车牌。", "Somebody claims this plate of yours."),
    "claim.licence": ("行驶证照片的网址", "Address of a picture of the vehicle licence"),
    "claim.give": ("提交", "Send"),
    "claim.waiting": ("正在处理，结果会显示在这里。", "It is being looked into; see here."),
    "claim.withdraw": ("撤回认领", "Take the claim back"),
    "claim.contests": ("这是我的车", "It is my car"),
    "claim.agrees": ("同意转给对方", "Let them have it"),
    "claim.no_licence": (
        "请填写行驶证照片的网址，3 至 500 字。",
        "Give the address of a picture of the licence, in 3 to 500 characters.",
    ),
    "claimed.open": ("处理中", "being looked into"),
    "claimed.granted": ("已支持", "granted"),
    "claimed.refused": ("已驳回", "refused"),
    "claimed.withdrawn": ("已撤回", "withdrawn"),
    "claim.unknown": ("没有这项认领。", "There is no such claim."),
    "claim.decided": ("这项认领已有结果。", "This claim is decided already."),
    "claim.too_soon": (
        "您最近的认领未获支持，请过些时候再试。",
        "Your last claims came to nothing; please wait before the next one.",
    ),
    "claim.too_often": ("尝试次数已用完。", "No further try is taken."),
    "claim.nothing": (
        "这个车牌现在不能认领：可能无人绑定（请直接绑定），或已有人在认领。",
        "This plate cannot be claimed: it is free (bind it), or claimed by somebody already.",
    ),
    "me.signed_out": ("登录已失效，请重新登录。", "You are signed out. Please sign in again."),
    "me.not_bound": (
        "这个车牌没有绑定在您的账户上。",
        "This plate is not bound to this account.",
    ),
    "me.no_card": ("还没有绑定银行卡。", "There is no payment method to remove."),
    "me.owes": (
        "还有未付的费用，请先付清。",
        "Something is still owed; please pay that first.",
    ),
    "me.version": ("文本版本", "Version of this text"),
    "me.stored": (
        "卡号在支付渠道的页面填写。本平台看不到也不保存完整卡号，只保存卡组织、后四位和您同意的文本。",
        (
            "You type the card number on the payment provider's page. We never see it; we keep the "
            "brand, its last four digits, and the text that you agreed to."
        ),
    ),
    "me.charged": (
        "离场后按公示价格自动扣款。每笔都列在下方，可看明细、下载收据或提出申诉。",
        (
            "Charged after you leave, by the posted price. Every charge is listed below with its "
            "lines, its receipt, and a way to contest it."
        ),
    ),
    "me.take_card.then": (
        "解绑后不再扣款；已产生的费用仍需支付。",
        "Nothing more is charged to it. Fees already incurred stay due.",
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
    "me.let_go": ("解绑", "Remove"),
    "me.no_plate": ("请填写车牌号，例如 浙A8B762。", "A number plate is needed, such as 浙A8B762."),
    "me.country": (
        "非大陆车牌：国家或地区代码（两个字母，如 HK、MO、TW）",
        "Not a mainland plate: its country or region, in two letters such as HK, MO, TW",
    ),
    "me.not_mainland": (
        "这不是大陆车牌号（例如 浙A8B762）。其他车牌请同时填写国家或地区代码。",
        "This is no mainland plate (like 浙A8B762). For another, state its country or region too.",
    ),
    "me.not_of_country": (
        "所填国家或地区没有这种车牌号，请核对。",
        "The country or region you stated has no such plate. Please check both.",
    ),
    "me.no_country": (
        "国家或地区请填两个字母，例如 HK。",
        "State the country or region in two letters, such as HK.",
    ),
    "me.taken": (
        "此车牌已被其他账户绑定；如果是您的车，可凭行驶证申请取回。",
        "Another account has bound this plate. If it is yours, claim it with the vehicle licence.",
    ),
    "me.card": ("银行卡", "Card"),
    "me.agree": ("我已阅读并同意", "I have read this and agree"),
    "me.consent_first": ("请先勾选同意。", "Please agree to the text first."),
    "me.leave_card": ("绑定银行卡", "Add a card"),
    "me.other_card": ("更换银行卡", "Replace the card"),
    "me.take_card": ("解绑银行卡", "Remove the card"),
    "me.suspended": (
        "先离场后付费已暂停：请更换银行卡或支付欠费。",
        "Paying later is suspended: add another card, or pay what is owed.",
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
    "statement.count": ("笔付款", "payments"),
    "statement.opening": ("期初余额", "Opening balance"),
    "statement.closing": ("期末余额", "Closing balance"),
    "statement.paid_out": ("当日已打款", "Paid out this day"),
    "statement.to_pay_out": ("已结算待打款", "Settled, to be paid out"),
    "statement.reconciled": ("已对平", "reconciled"),
    "statement.unreconciled": ("未对平", "not reconciled"),
    "statement.empty": ("当日没有流水。", "Nothing moved on this day."),
    "error.title": ("出错了", "Something is not right"),
    "error.away": (
        "系统暂时没有响应，请稍后再试。",
        "The service does not answer just now. Please try again in a moment.",
    ),
    "error.other": (
        "这一步没有完成，请稍后再试。",
        "That could not be done. Please try again later.",
    ),
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
