CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Services, entries, orders, refunds and lines of accounts, as JSON.
CREATE TABLE object (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  -- The merchant whose number it is under: unique for one merchant and kind.
  account TEXT NOT NULL,
  number TEXT NOT NULL,
  -- What it belongs to: a plate, an entry or an order.
  parent TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (kind, id),
  UNIQUE (kind, account, number)
);
CREATE INDEX object_by_parent ON object (kind, parent, seq);

-- What will happen by itself, by the clock.
CREATE TABLE agenda (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  due_at REAL NOT NULL,
  what TEXT NOT NULL,
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

CREATE TABLE notification (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The same in every attempt and copy.
  id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  url TEXT NOT NULL,
  created_at REAL NOT NULL,
  summary TEXT NOT NULL,
  original_type TEXT NOT NULL,
  resource TEXT NOT NULL,
  -- Which of the platform's keys signs it.
  signed_with TEXT NOT NULL,
  due_at REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- How it is false, if it is: such a one is sent once, and its answer noted.
  flaw TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'delivered', 'missing', 'given_up', 'refused', 'swallowed')),
  last_answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX notification_due ON notification (state, due_at);

-- Bills to fetch, each under its token.
CREATE TABLE bill_file (
  token TEXT PRIMARY KEY,
  written_at REAL NOT NULL,
  body BLOB NOT NULL
) WITHOUT ROWID;
