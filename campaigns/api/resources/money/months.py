"""A month in money: its statement, and the forecast of the present one."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from campaigns.api.access import Needs
from campaigns.api.problems import invalid
from campaigns.api.resources.campaigns.progress import CostOut, cost_out
from campaigns.reports.spend.forecast import CurrencyForecast, load_forecast
from campaigns.reports.spend.statements import StatementTable, load_statement, read_month
from campaigns.shared.money import exact
from campaigns.team.permissions import Permission

router = Router(tags=["Money"])
VIEW = Needs(Permission.VIEW)


class MonthQuery(Schema):
    month: Annotated[
        str,
        Field(
            pattern="^([0-9]{4}-(0[1-9]|1[0-2]))?$",
            description="2026-11: this month, which it is without it, or an earlier one.",
        ),
    ] = ""


class StatementLineOut(Schema):
    campaign_id: Annotated[int | None, Field(description="null: without a campaign")]
    name: str
    cost: CostOut


class StatementTableOut(Schema):
    currency: str
    total: CostOut
    lines: Annotated[list[StatementLineOut], Field(description="The largest cost first.")]


class StatementOut(Schema):
    first_day: date
    last_day: date
    is_final: Annotated[
        bool, Field(description="The month is over and every price known: nothing will change.")
    ]
    status: Annotated[str, Field(description="Why it is not final.")]
    unknown: Annotated[int, Field(description="Prices that are not known yet.")]
    tables: list[StatementTableOut]


class CurrencyForecastOut(Schema):
    """A forecast from `minimum` to `maximum`. The maximum is `spent` with `upcoming_maximum`, or
    with `per_day` for each of `days_left`, whichever is more.
    """

    currency: str
    minimum: str
    maximum: str
    spent: str
    upcoming_minimum: Annotated[str, Field(description="If Viber delivers everything.")]
    upcoming_maximum: Annotated[str, Field(description="By the more expensive of Viber and SMS.")]
    per_day: Annotated[str, Field(description="The mean of the last 28 days.")]
    days_left: Annotated[int, Field(description="Of the month, after today.")]


class ForecastOut(Schema):
    currencies: list[CurrencyForecastOut]
    campaigns: Annotated[int, Field(description="Under way, or scheduled for this month.")]
    unpriced: Annotated[int, Field(description="Their recipients for whom no price is known.")]


@router.get(
    "spend/statement", summary="Get the statement of a month", response=StatementOut, auth=VIEW
)
def get_statement(request: HttpRequest, query: Query[MonthQuery]) -> Any:
    """The statement of a month: each campaign and its cost, a table for each currency."""
    period = read_month(query.month)
    if query.month and f"{period.first:%Y-%m}" != query.month:
        raise invalid("month", "invalid", "Name this month or an earlier one, from 2000-01 on.")
    statement = load_statement(period)
    return StatementOut(
        first_day=period.first,
        last_day=period.last,
        is_final=statement.is_final,
        status=statement.status_text,
        unknown=statement.bill.not_yet_known,
        tables=[_table_out(table) for table in statement.tables],
    )


@router.get(
    "spend/forecast", summary="Get the forecast of this month", response=ForecastOut, auth=VIEW
)
def get_forecast(request: HttpRequest) -> Any:
    """What this month will cost, at most ten minutes old."""
    forecast = load_forecast()
    return ForecastOut(
        currencies=[_currency_out(each) for each in forecast.currencies],
        campaigns=forecast.campaigns,
        unpriced=forecast.unpriced,
    )


def _table_out(table: StatementTable) -> StatementTableOut:
    return StatementTableOut(
        currency=table.total.currency,
        total=cost_out(table.total),
        lines=[
            StatementLineOut(campaign_id=line.campaign_id, name=line.name, cost=cost_out(line.cost))
            for line in table.lines
        ],
    )


def _currency_out(forecast: CurrencyForecast) -> CurrencyForecastOut:
    values = {name: getattr(forecast, name) for name in CurrencyForecastOut.model_fields}
    shown = {
        name: exact(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
    return CurrencyForecastOut.model_validate(shown)
