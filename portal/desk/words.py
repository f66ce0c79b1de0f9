"""Every word of the desk, in Chinese and English, and which error is told in them."""

from functools import cache
from typing import Final

from billing.core.bindable import NoPlateError
from billing.db.connection import BooksUnavailableError
from billing.gateway import GatewayRefusedError, GatewayUnavailableError
from billing.services.appeals import AppealDecidedError, AppealNotFoundError
from billing.services.bundle import DisputeNotFoundError
from billing.services.claims import ClaimDecidedError, ClaimNotFoundError
from billing.services.discrepancies import DiscrepancyClosedError, DiscrepancyNotFoundError
from billing.services.pay_by_hand import ObligationNotFoundError
from billing.services.payout_desk import PayoutNotFoundError
from billing.services.refund_desk import RefundNotFailedError, RefundNotFoundError
from billing.web.access import NotAdminError, OtherOperatorError
from billing.web.appeals import CorrectionNeededError
from parking.core.errors import DomainError
from parking.core.plate import InvalidPlateError
from parking.core.pricing import LeftBeforeEnteredError, StayTooLongError
from parking.core.tariff_document import TariffError
from parking.db.pool import DatabaseUnavailableError
from parking.services.amend_stays import StayAlreadyEndedError, UnknownFactError
from parking.services.api_keys import ForbiddenError, UnauthorisedError
from parking.services.decide_clone import (
    OtherStayError,
    SuspicionDecidedError,
    SuspicionLiftedError,
    UnknownSuspicionError,
)
from parking.services.decide_review import ReviewDecidedError, UnknownReviewError
from parking.services.issue_tickets import UnknownTicketError
from parking.services.quote_stay import StayNotPricedError, UnknownStayError
from parking.services.refusals import LaneEventRefusedError, OtherLotError, UnknownLotError
from parking.services.review_facts import IncompleteMatchError, MatchRefusedError
from portal.pages.texts import Language

_PAIRS: Final[dict[str, tuple[str, str]]] = {
    "desk": ("值班台", "Operators' desk"),
    "list": ("待办", "To do"),
    "money": ("对账单", "Statements"),
    "live": ("实时", "Live"),
    "back": ("← 返回待办", "← Back to the list"),
    "sign_out": ("退出", "Sign out"),
    "admin": ("平台管理员", "Administrator"),
    "title": ("等待人工处理", "What waits for a person"),
    "why": (
        "最久的排在最前。每一项都写明证据，以及每个选择会带来什么。",
        "The longest waiting first. Each shows its evidence and what follows from each choice.",
    ),
    "all": ("全部", "All"),
    "nothing": ("没有等待处理的事项。", "Nothing waits for anybody."),
    "done": ("已处理，谢谢。", "Done. Thank you."),
    "oldest": ("最久", "oldest"),
    "more": ("另有更多，先处理最久的。", "There are more; these are the oldest."),
    "days": ("天", "d"),
    "hours": ("小时", "h"),
    "minutes": ("分钟", "min"),
    "until": ("截止", "until"),
    "kind.reviews": ("识别复核", "Reads to review"),
    "kind.appeals": ("费用申诉", "Appeals"),
    "kind.claims": ("车牌认领", "Claims of plates"),
    "kind.discrepancies": ("对账差异", "Discrepancies"),
    "kind.refunds": ("退款失败", "Failed refunds"),
    "kind.disputes": ("银行争议", "Bank disputes"),
    "kind.clones": ("疑似套牌", "Suspected clones"),
    "kind.tickets": ("无牌车票", "Tickets without a plate"),
    "plate": ("车牌", "Plate"),
    "lot": ("停车场", "Lot"),
    "lane": ("车道", "Lane"),
    "at": ("时间", "Time"),
    "reason": ("理由", "Reason"),
    "reason_optional": ("理由（可不填）", "Reason (optional)"),
    "evidence": ("证据", "Evidence"),
    "fee": ("费用", "Fee"),
    "amount": ("金额", "Amount"),
    "entered": ("入场", "In"),
    "left": ("出场", "Out"),
    "lasted": ("时长", "Lasted"),
    "state": ("状态", "State"),
    "opened": ("提出时间", "Opened"),
    "said": ("已有说明", "What was said"),
    "decided_by": ("处理人", "Decided by"),
    "decided_at": ("处理时间", "Decided at"),
    "decided": ("此事项已处理，无需再做。", "This is decided; there is nothing more to do."),
    "driver_page": ("车主页面", "Driver's page"),
    "trace": ("追踪号", "Trace"),
    "no_pictures": (
        "照片保存在闸口设备上，凭追踪号可查；服务器不存照片。",
        "Pictures stay on the gate box, under the trace id; the server keeps none.",
    ),
    "confirm": ("确认", "Confirm"),
    "reject": ("否决", "Reject"),
    "grant": ("支持", "Grant"),
    "refuse": ("驳回", "Refuse"),
    "decide": ("提交", "Decide"),
    # Reviews
    "review.near_miss": ("出入口差一个字：是同一辆车吗？", "One character apart: the same car?"),
    "review.missed_entry": ("出场了，却没有看到入场", "It left, and nobody saw it come"),
    "review.no_plate": ("没有读到车牌的车", "A vehicle without a readable plate"),
    "review.pending": ("待处理", "waiting"),
    "review.confirmed": ("已确认", "confirmed"),
    "review.rejected": ("已否决", "rejected"),
    "review.superseded": ("已由后来的事实解决", "settled by later facts"),
    "review.hold": (
        "到此时无人否决，则按同一辆车处理",
        "Unless somebody says no by then, it counts as one car",
    ),
    "review.seen": ("看到了什么", "What was seen"),
    "review.read": ("识别为", "Read as"),
    "review.counts": ("现计为", "Counts as"),
    "review.sure": ("把握", "Sure"),
    "review.others": ("其他可能", "Other candidates"),
    "review.by": ("由人看到", "Seen by"),
    "review.fee": ("若是同一辆车，费用", "The fee, if it is one car"),
    "review.same": ("是同一辆车", "It is the same car"),
    "review.same.then": (
        "这次停车按上面的费用向车主收取。",
        "The stay counts, and its driver is charged the fee shown.",
    ),
    "review.two": ("是两辆不同的车", "They are two cars"),
    "review.two.then": (
        "入场的车仍在场内；出场的车成为“没有看到入场”，另行复核。不收费。",
        "The one that came is still inside; the one that left becomes a missed entry. No charge.",
    ),
    "review.there": ("车确实在，但无法收费", "The vehicle was there; nothing can be charged"),
    "review.there.then": (
        "记录保留，不收费，本事项结束。",
        "It stays on record, is free, and done.",
    ),
    "review.nothing": ("没有这辆车", "There was no such vehicle"),
    "review.nothing.then": (
        "撤回这次识别（例如行人或误触发），不收费。",
        "The read is taken back (a person, a false trigger). Nothing is charged.",
    ),
    "review.match": ("认得这辆车", "The car is known"),
    "review.match.then": (
        "选择它的停车，或填写真实车牌（也可两者都给）。停车按入场到出场计费。",
        "Choose its stay, or give its true plate, or both. The stay is priced from entry to exit.",
    ),
    "review.stays": ("可能是哪次停车", "Which stay it could be"),
    "review.no_stays": ("场内没有像它的车。", "No car inside looks like it."),
    "review.none_of_them": ("都不是，只填车牌", "None of these; the plate alone"),
    "review.score": ("相似", "likeness"),
    "review.true_plate": ("真实车牌", "True plate"),
    # Appeals
    "appeal.not_my_car": ("不是我的车", "Not my car"),
    "appeal.barrier_broken": ("闸机故障", "The barrier was broken"),
    "appeal.wrong_time": ("时间不对", "Wrong time"),
    "appeal.other": ("其他", "Other"),
    "appeal.open": ("待处理", "waiting"),
    "appeal.granted": ("已支持，正在更正", "granted; being corrected"),
    "appeal.corrected": ("已更正", "corrected"),
    "appeal.refused": ("已驳回", "refused"),
    "appeal.withdrawn": ("车主已撤回", "withdrawn"),
    "appeal.statement": ("车主说", "The driver says"),
    "appeal.paid": ("已支付", "Paid so far"),
    "appeal.frozen": (
        "处理之前不向车主收取这笔费用。",
        "Until this is decided, nothing is collected for this stay.",
    ),
    "appeal.plate": ("是另一辆车", "It was another car"),
    "appeal.plate.then": (
        "停车改到这个车牌名下：原车主已付的退回，向真正的车主收取。",
        "The stay moves to that plate: what was paid is given back, the right driver is asked.",
    ),
    "appeal.left": ("实际离场更早或更晚", "It left at another time"),
    "appeal.left.then": (
        "按这个时间重新计费；多付的退回，少付的补收。",
        "The fee is worked out anew; what was paid too much is given back.",
    ),
    "appeal.left_at": ("实际离场时间（停车场当地）", "When it really left (the lot's own clock)"),
    "appeal.never": ("根本没有这次停车", "There was no such stay"),
    "appeal.never.then": (
        "撤回这次停车，已付的全部退回。",
        "The stay is taken back, and all that was paid is given back.",
    ),
    "appeal.refuse": ("费用没有错", "The fee is right"),
    "appeal.refuse.then": (
        "驳回申诉，恢复收取。车主会看到理由。",
        "The appeal is refused and collection goes on. The driver reads the reason.",
    ),
    # Claims
    "claim.open": ("待处理", "waiting"),
    "claim.granted": ("已支持", "granted"),
    "claim.refused": ("已驳回", "refused"),
    "claim.withdrawn": ("已撤回", "withdrawn"),
    "claim.licence": ("行驶证", "Vehicle licence"),
    "claim.fact": ("说对了近期一次停车", "Knew a recent stay"),
    "claim.answer": ("现持有人答复", "The holder's answer"),
    "claim.yes": ("是", "yes"),
    "claim.no": ("否", "no"),
    "claim.tries": ("次尝试", "tries"),
    "claim.rule_at": ("若无人处理，规则将于", "If nobody decides, a rule does at"),
    "claim.agrees": ("同意", "agrees"),
    "claim.contests": ("不同意", "contests"),
    "claim.grant": ("车牌归申请人", "The plate is the claimant's"),
    "claim.grant.then": (
        "解除现绑定并改绑给申请人，之后的停车及未付欠费随车牌转移；已完成的停车仍归当时的持有人。",
        "The plate and its arrears go to the claimant; stays made stay with their holder then.",
    ),
    "claim.refuse": ("车牌仍归现持有人", "The plate stays with its holder"),
    "claim.refuse.then": ("驳回认领；申请人会看到理由。", "The claimant is told the reason."),
    "claim.": ("现持有人尚未答复", "the holder has not answered"),
    # Discrepancies
    "discrepancy.missing": ("渠道账单里没有", "Missing from the gateway's report"),
    "discrepancy.missing.why": (
        "账上有这笔资金变动，渠道的账单里没有。",
        "The ledger has this movement; the gateway's report does not.",
    ),
    "discrepancy.surplus": ("渠道账单里多出", "Surplus in the gateway's report"),
    "discrepancy.surplus.why": (
        "渠道的账单里有（或重复有）这笔，账上没有。",
        "The gateway's report has this, or has it once more; the ledger does not.",
    ),
    "discrepancy.differs": ("金额或手续费不同", "Another sum or fee"),
    "discrepancy.differs.why": (
        "两边都有，但金额或手续费不同。",
        "Both sides have it, with another sum or another fee.",
    ),
    "discrepancy.wrong_fee": ("手续费与约定不符", "Another fee than agreed"),
    "discrepancy.wrong_fee.why": (
        "双方金额一致，但渠道实收手续费与约定费率不符。账上按实收记；上行为约定，下行为实收。",
        "The fee is booked as it was taken, the report's; our line shows the one agreed.",
    ),
    "discrepancy.ours": ("我方账本", "Our ledger"),
    "discrepancy.theirs": ("渠道账单", "The report"),
    "discrepancy.fee": ("手续费", "Fee"),
    "discrepancy.net": ("净额", "Net"),
    "discrepancy.off": ("相差", "Difference"),
    "discrepancy.lines": ("渠道账单原始行", "The report's own lines"),
    "discrepancy.about": ("关于", "About"),
    "discrepancy.source": ("渠道编号", "The gateway's name of it"),
    "discrepancy.day": ("账期日", "Ledger day"),
    "discrepancy.found": ("发现时间", "Found at"),
    "discrepancy.owner": ("归属", "Whose stays"),
    "discrepancy.platform": ("平台", "the platform's own matter"),
    "discrepancy.close": ("已查明", "It is explained"),
    "discrepancy.close.then": (
        "记录原因并关闭，不动任何资金，也不改账本。若渠道稍后补上这一笔，会自行关闭。",
        "The reason is kept. No money moves; what the report tells late closes by itself.",
    ),
    "discrepancy.button": ("记录并关闭", "Write down and close"),
    "discrepancy.closed": ("已关闭", "closed"),
    "line.charge": ("付款", "payment"),
    "line.payment": ("付款", "payment"),
    "line.refund": ("退款", "refund"),
    "line.payment_refund": ("退款", "refund"),
    "line.transfer": ("转账", "transfer"),
    "line.payout": ("打款", "payout"),
    "line.adjustment": ("调整", "adjustment"),
    "line.dispute": ("争议", "dispute"),
    "direction": ("方向", "Way"),
    "line": ("种类", "Kind"),
    # Refunds
    "refund.charge_already_refunded": (
        "这笔付款已在渠道处全部退过",
        "the payment was given back at the gateway already",
    ),
    "refund.charge_disputed": (
        "付款人的银行正在核查这笔付款",
        "the payer's bank disputes the payment",
    ),
    "refund.expired_or_canceled_card": (
        "银行卡已过期或已注销",
        "the card has expired or was cancelled",
    ),
    "refund.lost_or_stolen_card": ("银行卡已挂失", "the card was reported lost or stolen"),
    "refund.insufficient_funds": (
        "平台在渠道的余额不足",
        "the platform's balance at the gateway is too small",
    ),
    "refund.declined": ("付款人的银行拒绝了", "the payer's bank declined it"),
    "refund.unknown": ("渠道没有说明原因", "the gateway gave no reason"),
    "refund.owed": ("尚欠车主", "Still owed to the driver"),
    "refund.why": ("渠道答复", "The gateway said"),
    "refund.gateway": ("渠道与原付款", "Gateway and charge"),
    "refund.paid_at": ("付款时间", "Paid at"),
    "refund.dispute_lost": (
        "这笔付款的银行争议已败诉：渠道会拒绝任何退款，请用其他方式退还。",
        "A bank's dispute of this payment was lost: the gateway will refuse every refund of it.",
    ),
    "refund.again": ("重新发送", "Send it again"),
    "refund.again.then": (
        "以新的编号和密钥向渠道重新申请，旧的作废；结果稍后可见，再次失败会回到这里。",
        "Asked for anew under another id and key. Refused again, it comes back here.",
    ),
    "refund.again.button": ("重新发送", "Send again"),
    "refund.settled": ("已用其他方式退还", "The driver has it by other means"),
    "refund.settled.then": (
        "仅在钱已付出后登记。账本记为平台自有账户付出，车主的贷项结清；之后不能再由渠道退。",
        "Only once it was given: booked as paid by the platform, the gateway is asked no more.",
    ),
    "refund.settled.button": ("登记已退还", "Record it"),
    "refund.note": ("何时、付给谁、凭证号", "When, to whom, and under which reference"),
    "refund.admin": (
        "用其他方式退还由平台管理员登记。",
        "Money given by other means is recorded by an administrator.",
    ),
    "refund.superseded": ("已了结", "seen to"),
    "refund.succeeded": ("已退还", "given back"),
    "refund.ready": ("等待发送", "to be sent"),
    "means.bank_transfer": ("银行转账", "Bank transfer"),
    "means.cash": ("现金", "Cash"),
    "means.other": ("其他", "Other"),
    # Disputes
    "dispute.fraudulent": ("付款人称未授权这笔付款", "the payer says they did not authorise it"),
    "dispute.duplicate": ("付款人称被重复扣款", "the payer says they were charged twice"),
    "dispute.unrecognized": ("付款人不认得这笔付款", "the payer does not recognise it"),
    "dispute.product_not_received": (
        "付款人称没有得到服务",
        "the payer says the service was not given",
    ),
    "dispute.product_unacceptable": (
        "付款人对服务不满",
        "the payer says the service was not as described",
    ),
    "dispute.credit_not_processed": (
        "付款人称应退未退",
        "the payer says a refund was promised and not made",
    ),
    "dispute.general": ("没有说明具体原因", "no particular reason was given"),
    "dispute.heard": ("得知时间", "Heard at"),
    "dispute.inquiry": ("银行询问", "inquiry"),
    "dispute.open": ("争议中", "open"),
    "dispute.under_review": ("银行审理中", "under review"),
    "dispute.won": ("已胜诉", "won"),
    "dispute.lost": ("已败诉", "lost"),
    "dispute.closed": ("已结束", "closed"),
    "dispute.answer_by": ("答复期限", "To be answered by"),
    "dispute.answered": ("我方已答复", "Answered at"),
    "dispute.stays": ("涉及的停车", "The stays that were paid"),
    "dispute.lost_sum": ("损失", "Lost"),
    "dispute.borne": ("由谁承担", "Borne by"),
    "dispute.operator": ("运营方", "the operator"),
    "dispute.platform": ("平台", "the platform"),
    "dispute.then": ("接下来", "What follows"),
    "dispute.auto": (
        "证据自动收集并提交，无需人工操作。",
        "Evidence is gathered and sent by itself; nobody needs to do anything.",
    ),
    "dispute.frozen": (
        "银行裁定之前，不向车主收取这些停车费。",
        "Until the bank decides, nothing is collected for these stays.",
    ),
    "dispute.if_won": (
        "若胜诉：款项退回，一切照旧。",
        "Won: the money comes back, all is as before.",
    ),
    "dispute.if_lost": (
        "若败诉：按合同由运营方（停车恢复未付）或平台承担。",
        "Lost: by the contract the operator bears it (the stay is unpaid again), or the platform.",
    ),
    # Clones
    "clone.inside_elsewhere": ("在场时出现在别处", "read elsewhere while inside"),
    "clone.too_fast": ("快得不可能", "faster than anyone can drive"),
    "clone.reads": ("互相矛盾的识别", "The reads that contradict"),
    "clone.apart": ("距离与所需速度", "How far apart, and how fast"),
    "clone.stay.first": ("第一次停车", "The first stay"),
    "clone.stay.second": ("第二次停车", "The second stay"),
    "clone.decided": ("已判定", "decided"),
    "clone.lifted": ("已由后来的事实解释", "explained by later facts"),
    "clone.first": ("只有第一次是车主的车", "Only the first is the account's car"),
    "clone.first.then": (
        "第一次照常收费；第二次不收，已收的退还。",
        "The first is charged; the second is charged to nobody, and given back if it was.",
    ),
    "clone.second": ("只有第二次是车主的车", "Only the second is the account's car"),
    "clone.second.then": (
        "第二次照常收费；第一次不收，已收的退还。",
        "The second is charged; the first is charged to nobody, and given back if it was.",
    ),
    "clone.both": ("两次都是车主的车", "Both are the account's car"),
    "clone.both.then": ("两次都照常收费。", "Both are charged as usual."),
    "clone.neither": ("两次都不是", "Neither is"),
    "clone.neither.then": (
        "都不收费，已收的退还。",
        "Neither is charged, and what was paid is given back.",
    ),
    # Tickets
    "find": ("查找", "Find"),
    "ticket.find": ("车票号", "A ticket's code"),
    "ticket.ticket": ("车票", "Ticket"),
    "ticket.open": ("在场", "inside"),
    "ticket.missed_exit": ("漏拍出场", "exit not seen"),
    "ticket.fee": ("目前费用", "Fee so far"),
    "ticket.taken_back": ("这次入场已被撤回。", "Its entry was taken back."),
    "ticket.match": ("填写真实车牌", "Give it its plate"),
    "ticket.rematch": ("更正车牌", "Correct its plate"),
    "ticket.match.then": (
        "停车转到这个车牌名下，按绑定的账户收费；持票人仍可凭票付款。",
        "The stay moves to the plate; whoever has bound it is charged. The ticket stays good.",
    ),
    # Money
    "money.bank_failed": (
        "运营方的银行退回了这笔打款，请在支付渠道更正银行账户。",
        "The operator's own bank sent this payout back: mend the bank account at the gateway.",
    ),
    "money.days": ("最近两周的日对账单", "Statements of the last two weeks"),
    "money.day": ("日期", "Day"),
    "money.files": ("下载", "Take away"),
    "money.settlements": ("结算与打款", "Settlements and payouts"),
    "money.period": ("账期", "Period"),
    "money.payouts": ("打款", "Payouts"),
    "money.none": ("还没有结算。", "Nothing is settled yet."),
    "payout.prepared": ("待发送", "to be sent"),
    "payout.unknown": ("结果未知", "unknown"),
    "payout.succeeded": ("已打款", "paid"),
    "payout.failed": ("失败，将重试", "failed; tried again"),
    # Who said something, and on what occasion
    "who.driver": ("车主", "Driver"),
    "who.claimant": ("申请人", "Claimant"),
    "who.holder": ("现持有人", "Holder"),
    "who.rule": ("规则", "A rule"),
    "who.admin": ("平台管理员", "Administrator"),
    "note.licence": ("提交行驶证", "gave the licence"),
    "note.stay_fact": ("说明近期一次停车", "told of a recent stay"),
    "note.correction_refused": ("事实不允许这样更正", "the facts do not allow that correction"),
    "note.sent_again": ("重新发送", "sent again"),
    "note.granted": ("支持", "granted"),
    # Errors
    "told.decided": (
        "这一项已经有人处理过了，您的选择没有生效。现状如下。",
        "Somebody has decided this already; your choice was not carried out. It stands as below.",
    ),
    "told.unknown": ("没有这一项。", "There is no such matter."),
    "told.forbidden": ("您的密钥不能处理这一项。", "Your key may not do this."),
    "told.form": ("表单填写不完整或过长。", "Something in the form is missing, or too long."),
    "told.plate": ("这不是车牌号。", "This is no number plate."),
    "told.match": ("请选择停车或填写车牌。", "Choose a stay, or give a plate."),
    "told.refused": (
        "这次停车与这个出场对不上（已结束、晚于出场、超过最长停车时间，或车牌已经一致）。",
        "That stay cannot be the one: it is over, began later, is too long, or has that plate.",
    ),
    "told.time": ("请填写有效的离场时间。", "Give the time when it left."),
    "told.reason": (
        "请写明理由，3 至 500 字。",
        "Give a reason, of 3 to 500 characters. It is missing, or too long.",
    ),
    "told.means": ("请选择用什么方式退还。", "Choose by which means it was given back."),
    "told.lifted": (
        "后来的事实已经解释清楚，无需再判定。",
        "Later facts have explained it; there is nothing to decide.",
    ),
    "told.ended": ("这次停车已经结束。", "That stay has ended already."),
    "told.forged": (
        "这张表单已失效，请重新打开页面再提交。",
        "This form is no longer good. Open the page again.",
    ),
    "told.facts": ("已有的记录不允许这样更正。", "What is on record does not allow that."),
    "told.price": ("这次停车现在无法计费。", "This stay cannot be priced as it stands."),
    "told.gateway": (
        "支付渠道暂时没有响应，请稍后再试。",
        "The payment gateway does not answer just now; try again in a moment.",
    ),
    "told.other": ("这一步没有完成，请稍后再试。", "That could not be done; try again later."),
    "means": ("退还方式", "By which means"),
    "told.away": (
        "数据库暂时没有响应，请稍后再试。",
        "The database is busy; try again in a moment.",
    ),
}


class SomebodyWasFirstError(DomainError):
    """The matter changed since its page was opened."""


class ForgedFormError(DomainError):
    """A form came without the desk's token, or with another key's."""

    def __init__(self) -> None:
        super().__init__("this form is not from a page of yours: open the page again")


TOLD: Final[dict[type, str]] = {
    ReviewDecidedError: "told.decided",
    AppealDecidedError: "told.decided",
    ClaimDecidedError: "told.decided",
    DiscrepancyClosedError: "told.decided",
    RefundNotFailedError: "told.decided",
    SuspicionDecidedError: "told.decided",
    SomebodyWasFirstError: "told.decided",
    SuspicionLiftedError: "told.lifted",
    StayAlreadyEndedError: "told.ended",
    UnknownReviewError: "told.unknown",
    AppealNotFoundError: "told.unknown",
    ClaimNotFoundError: "told.unknown",
    DiscrepancyNotFoundError: "told.unknown",
    DisputeNotFoundError: "told.unknown",
    RefundNotFoundError: "told.unknown",
    UnknownSuspicionError: "told.unknown",
    UnknownTicketError: "told.unknown",
    ObligationNotFoundError: "told.unknown",
    UnknownStayError: "told.unknown",
    UnknownFactError: "told.unknown",
    UnknownLotError: "told.unknown",
    PayoutNotFoundError: "told.unknown",
    OtherStayError: "told.form",
    CorrectionNeededError: "told.form",
    ForbiddenError: "told.forbidden",
    UnauthorisedError: "told.forbidden",
    NotAdminError: "told.forbidden",
    OtherOperatorError: "told.forbidden",
    OtherLotError: "told.forbidden",
    ForgedFormError: "told.forged",
    InvalidPlateError: "told.plate",
    NoPlateError: "told.plate",
    IncompleteMatchError: "told.match",
    MatchRefusedError: "told.refused",
    LaneEventRefusedError: "told.facts",
    StayNotPricedError: "told.price",
    TariffError: "told.price",
    StayTooLongError: "told.price",
    LeftBeforeEnteredError: "told.price",
    GatewayRefusedError: "told.gateway",
    GatewayUnavailableError: "told.gateway",
    DatabaseUnavailableError: "told.away",
    BooksUnavailableError: "told.away",
}
"""What is told in the reader's language, before the service's own words."""


@cache
def desk_words(language: Language) -> dict[str, str]:
    """All words of one language by their key."""
    index = 0 if language == "zh" else 1
    return {key: pair[index] for key, pair in _PAIRS.items()}
