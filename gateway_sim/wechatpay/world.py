"""All parts of one simulated WeChat Pay, joined."""

import msgspec

from gateway_sim.clock import Clock
from gateway_sim.wechatpay.agenda import Agenda
from gateway_sim.wechatpay.errors import NoAuthError
from gateway_sim.wechatpay.faults import Faults, Mishap
from gateway_sim.wechatpay.ids import Ids
from gateway_sim.wechatpay.keyring import Keyring
from gateway_sim.wechatpay.notifications import News, NotificationQueue
from gateway_sim.wechatpay.sealing import Keys, SignedWith
from gateway_sim.wechatpay.shapes import AccountLine
from gateway_sim.wechatpay.store import Store
from gateway_sim.wechatpay.truth import TruthLog
from gateway_sim.wire import JsonObject

_KEYRING = "keyring"
_SUB_MCHID_DIGITS = range(8, 13)
BASIS_POINTS = 10_000


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed with the merchant, and how long things take, in seconds."""

    fee_basis_points: int = 60
    deduct_after: float = 2.0
    """From acceptance to the deduction."""
    refund_after: float = 2.0
    """From acceptance of a refund to its end."""
    notify_signed_with: SignedWith = "public_key"

    def fee_of(self, amount: int) -> int:
        """The fee of an order in fen, halves rounded up."""
        return (amount * self.fee_basis_points * 2 + BASIS_POINTS) // (2 * BASIS_POINTS)


class World:
    """Everything an operation may touch. Used by one request at a time."""

    def __init__(
        self, *, store: Store, seed: int, terms: Terms, faults: Faults, keyring: Keyring
    ) -> None:
        """Join the parts."""
        self.store = store
        self.clock = Clock(store)
        self.ids = Ids(seed, store)
        self.truth = TruthLog(store)
        self.agenda = Agenda(store)
        self.notifications = NotificationQueue(store)
        self.terms = terms
        self.faults = faults
        self.keys = Keys(keyring)

    def rotate_certificate(self) -> None:
        """Have a new platform certificate sign from now on; kept with the state."""
        self.keys.rotate()
        keep_keyring(self.store, self.keys.keyring)

    def account_of(self, mchid: str, *, appid: str | None, sub_mchid: str | None) -> str:
        """Whose money and numbers a request is about.

        Raises NoAuthError for an app or a sub-merchant that is not the merchant's.
        """
        if appid is not None and appid != self.keys.keyring.appid:
            raise NoAuthError
        if sub_mchid is None:
            return mchid
        if not (sub_mchid.isdecimal() and len(sub_mchid) in _SUB_MCHID_DIGITS):
            raise NoAuthError
        return sub_mchid

    def emit(
        self, event_type: str, resource: JsonObject, *, url: str, summary: str, about: str
    ) -> None:
        """Queue a notification, and what comes besides it."""
        signed_with = self.terms.notify_signed_with
        if self.faults.happens(Mishap.NOTIFICATION_ROTATED, event_type):
            self.rotate_certificate()
            signed_with = "certificate"
        news = News(
            id=self.ids.uuid(),
            event_type=event_type,
            url=url,
            created_at=self.clock.now(),
            summary=summary,
            original_type=about,
            signed_with=signed_with,
            resource=resource,
        )
        self.notifications.add(news, delays=self.faults.delays(event_type))
        for flaw in self.faults.false_ones(event_type):
            self.notifications.add_false(news, flaw=flaw.value)

    def owed_by(self, openid: str) -> int:
        """What WeChat has advanced for a user and not got back, in fen."""
        return int(self.store.note(f"owed:{openid}") or 0)

    def owe(self, openid: str, amount: int) -> None:
        """Add to what a user owes WeChat; negative: paid back."""
        self.store.set_note(f"owed:{openid}", str(self.owed_by(openid) + amount))

    def balance_of(self, account: str) -> int:
        """What a merchant's account holds, in fen."""
        return int(self.store.note(f"balance:{account}") or 0)

    def move(
        self,
        account: str,
        amount: int,
        *,
        business: str,
        kind: str,
        note: str,
        voucher: str = "",
        transaction_id: str = "",
        applicant: str = "system",
    ) -> None:
        """Move money on a merchant's account, as one line of its fund-flow bill."""
        balance = self.balance_of(account) + amount
        self.store.set_note(f"balance:{account}", str(balance))
        flow_id = self.ids.digits("4200", 28)
        line = AccountLine(
            id=flow_id,
            account=account,
            number=flow_id,
            parent=account,
            at=self.clock.now(),
            amount=amount,
            balance=balance,
            business=business,
            kind=kind,
            applicant=applicant,
            note=note,
            voucher=voucher,
            transaction_id=transaction_id,
        )
        self.store.put(line)


def kept_keyring(store: Store) -> Keyring | None:
    """The keys that were kept with the state."""
    kept = store.note(_KEYRING)
    return msgspec.json.decode(kept, type=Keyring) if kept else None


def keep_keyring(store: Store, keyring: Keyring) -> None:
    """Keep keys with the state."""
    store.set_note(_KEYRING, msgspec.json.encode(keyring).decode())
