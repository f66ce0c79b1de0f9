CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE object (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  -- The connected account that it belongs to; empty: the platform itself.
  account TEXT NOT NULL,
  created INTEGER NOT NULL,
  body TEXT NOT NULL,
  customer TEXT AS (json_extract(body, '$.customer')),
  payment_intent TEXT AS (json_extract(body, '$.payment_intent')),
  payment_method TEXT AS (json_extract(body, '$.payment_method')),
  setup_intent TEXT AS (json_extract(body, '$.setup_intent')),
  currency TEXT AS (json_extract(body, '$.currency')),
  email TEXT AS (json_extract(body, '$.email')),
  source TEXT AS (json_extract(body, '$.source')),
  charge TEXT AS (json_extract(body, '$.charge')),
  status TEXT AS (json_extract(body, '$.status')),
  type TEXT AS (json_extract(body, '$.type')),
  destination TEXT AS (json_extract(body, '$.destination')),
  transfer TEXT AS (json_extract(body, '$.transfer')),
  source_transaction TEXT AS (json_extract(body, '$.source_transaction')),
  transfer_group TEXT AS (json_extract(body, '$.transfer_group')),
  payout TEXT AS (json_extract(body, '$.payout')),
  reported TEXT AS (CASE WHEN json_extract(body, '$.unreported') THEN 'no' ELSE 'yes' END),
  of_account TEXT AS (json_extract(body, '$.account')),
  arrival_date INTEGER AS (json_extract(body, '$.arrival_date')),
  available_on INTEGER AS (json_extract(body, '$.available_on')),
  net INTEGER AS (json_extract(body, '$.net'))
);
-- Each index only over the kinds that are looked up by it: a column taken from JSON costs a parse
-- for every index that it stands in.
CREATE INDEX object_by_kind ON object (account, kind, seq);
CREATE INDEX object_by_customer ON object (account, kind, customer, seq)
  WHERE kind = 'charge' OR kind = 'checkout.session' OR kind = 'payment_intent' OR kind = 'payment_method' OR kind = 'setup_intent';
CREATE INDEX object_by_payment_intent ON object (account, kind, payment_intent, seq)
  WHERE kind = 'charge' OR kind = 'checkout.session' OR kind = 'dispute' OR kind = 'refund';
CREATE INDEX object_by_payment_method ON object (account, kind, payment_method, seq)
  WHERE kind = 'payment_intent' OR kind = 'setup_intent';
CREATE INDEX object_by_setup_intent ON object (account, kind, setup_intent, seq)
  WHERE kind = 'checkout.session';
CREATE INDEX object_by_charge ON object (account, kind, charge, seq)
  WHERE kind = 'dispute' OR kind = 'refund';
CREATE INDEX object_by_destination ON object (account, kind, destination, seq)
  WHERE kind = 'payout' OR kind = 'transfer';
CREATE INDEX object_by_transfer ON object (account, kind, transfer, seq)
  WHERE kind = 'transfer_reversal';
CREATE INDEX object_by_source_transaction ON object (account, kind, source_transaction, seq)
  WHERE kind = 'transfer';
CREATE INDEX object_by_payout ON object (account, kind, payout, seq)
  WHERE kind = 'balance_transaction';
CREATE INDEX object_by_source ON object (account, kind, source, seq)
  WHERE kind = 'balance_transaction';
CREATE INDEX balance_by_day ON object (account, currency, available_on, net)
  WHERE kind = 'balance_transaction';
CREATE INDEX balance_not_paid_out ON object (account, currency, available_on)
  WHERE kind = 'balance_transaction' AND payout IS NULL;

-- What will happen by itself, by the clock: payouts that arrive, pages that close, disputes.
CREATE TABLE agenda (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  due_at REAL NOT NULL,
  what TEXT NOT NULL,
  account TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX agenda_by_time ON agenda (due_at, seq);

-- What truly happened to money; nothing ever changes or leaves this table.
CREATE TABLE truth (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE TRIGGER truth_is_never_changed BEFORE UPDATE ON truth
BEGIN SELECT RAISE(ABORT, 'the truth log is append-only'); END;
CREATE TRIGGER truth_is_never_deleted BEFORE DELETE ON truth
BEGIN SELECT RAISE(ABORT, 'the truth log is append-only'); END;

CREATE TABLE saved_answer (
  key TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  request_id TEXT NOT NULL,
  saved_at REAL NOT NULL,
  reply BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX saved_answer_by_age ON saved_answer (saved_at);

-- Declines that a card still has ahead of it, in order.
CREATE TABLE card_script (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL,
  decline_code TEXT NOT NULL
);
CREATE INDEX card_script_by_subject ON card_script (subject, seq);

CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  first_at REAL NOT NULL,
  due_at REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- How it is false, if it is: such a delivery is made once, and its answer noted.
  flaw TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'delivered', 'missing', 'given_up', 'refused', 'swallowed')),
  last_answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX delivery_due ON delivery (state, due_at);
CREATE INDEX delivery_by_event ON delivery (event);
