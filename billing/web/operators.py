"""Routes for operators' contracts, settlements and statements."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, put
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import Meta

from billing.core.settlement import Contract, DisputeBearer, Period
from billing.core.statement import Statement
from billing.db.settlements import SettlementView
from billing.statement_files import MEDIA_TYPES, StatementFormat, file_name, statement_file
from billing.web.access import require_admin, require_operator, services_of
from billing.web.files import file_response
from parking.core.ids import SLUG_PATTERN, OperatorId

AnyRequest = Request[Any, Any, Any]
FormatPath = Annotated[str, PathParameter(pattern="^(csv|xlsx|pdf)$")]
OperatorPath = Annotated[str, PathParameter(pattern=SLUG_PATTERN)]
Sum = Annotated[int, Meta(ge=0, le=10**12)]


class ContractBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the platform takes. Sums in minor units, for each period."""

    commission_bp: Annotated[int, Meta(ge=0, le=10_000)]
    fixed_minor: Sum = 0
    minimum_minor: Sum = 0
    period: Period = Period.MONTHLY
    disputes_borne_by: DisputeBearer = DisputeBearer.OPERATOR


@get("/v1/operators/{operator_id:str}/statements/{day:date}", summary="Show a day's statement")
async def get_statement(
    request: AnyRequest, operator_id: OperatorPath, day: FromPath[date]
) -> Statement:
    """Draw up what one ledger day did to an operator's money: opening, lines, closing."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return await services_of(request).statement(operator, day)


@get(
    "/v1/operators/{operator_id:str}/statements/{day:date}/{kind:str}",
    summary="Take a day's statement away as a file",
)
async def get_statement_file(
    request: AnyRequest, operator_id: OperatorPath, day: FromPath[date], kind: FormatPath
) -> Response[bytes]:
    """Make the statement as `csv`, `xlsx` or `pdf`."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    statement = await services_of(request).statement(operator, day)
    chosen = StatementFormat(kind)
    return file_response(
        statement_file(statement, chosen),
        media_type=MEDIA_TYPES[chosen],
        name=file_name(statement, chosen),
    )


@put("/v1/operators/{operator_id:str}/contracts/{effective_from:date}", summary="Agree a contract")
async def put_contract(
    request: AnyRequest,
    operator_id: OperatorPath,
    effective_from: FromPath[date],
    data: JSONBody[ContractBody],
) -> Contract:
    """Let a contract begin on a day to come; the same again changes nothing. For admins."""
    by = await require_admin(request)
    contract = Contract(
        effective_from=effective_from,
        commission_bp=data.commission_bp,
        fixed_minor=data.fixed_minor,
        minimum_minor=data.minimum_minor,
        period=data.period,
        disputes_borne_by=data.disputes_borne_by,
    )
    await services_of(request).agree_contract(OperatorId(operator_id), contract, by=by)
    return contract


@get("/v1/operators/{operator_id:str}/contracts", summary="List contracts")
async def get_contracts(request: AnyRequest, operator_id: OperatorPath) -> list[Contract]:
    """List an operator's contracts, the first first; before it the settings' commission holds."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return await services_of(request).contracts(operator)


@get("/v1/operators/{operator_id:str}/settlements", summary="List settlements")
async def get_settlements(request: AnyRequest, operator_id: OperatorPath) -> list[SettlementView]:
    """List an operator's settlements with their payouts, the newest first."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return await services_of(request).settlements(operator)


def operators_router() -> Router:
    """Put the routes about operators' money together."""
    return Router(
        path="/",
        tags=["money"],
        route_handlers=[
            get_statement,
            get_statement_file,
            put_contract,
            get_contracts,
            get_settlements,
        ],
    )
