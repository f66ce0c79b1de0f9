"""How many decimals a currency's sums are written with: ISO 4217's exponents."""

from typing import Final

_USUAL: Final = 2
_OTHERS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENTS: Final = {code: digits for digits, codes in _OTHERS.items() for code in codes.split()}


def decimals(currency: str) -> int:
    """How many decimals the minor unit is: 2 for CNY, 0 for JPY.

    Source: ISO 4217, list one (currencies and funds).
    """
    return _EXPONENTS.get(currency, _USUAL)


def decimal_sum(amount_minor: int, currency: str, *, thousands: str = "") -> str:
    """Write a sum without its currency: `-12.30`, for yen `-12`."""
    digits = decimals(currency)
    sign = "-" if amount_minor < 0 else ""
    major, minor = divmod(abs(amount_minor), 10**digits)
    whole = f"{major:,}".replace(",", thousands)
    return f"{sign}{whole}.{minor:0{digits}d}" if digits else f"{sign}{whole}"
