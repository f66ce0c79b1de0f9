"""Driver accounts, plate bindings, obligations, payments, the ledger, statements.

The last part of a car's journey: a priced stay becomes an obligation, obligations gather into a
payment, and the ledger and the operator's statement show where each fen went.
"""
