"""Whatever is sent, the answer is one of Stripe's and the simulator goes on."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.payments.routes import ROUTES, Route
from gateway_sim.payments.server import Options
from tests.gateway_sim.payments.harness import Simulator, running

AUTH = {"Authorization": "Bearer sk_test_x"}


@pytest.fixture(scope="module")
def lived_in() -> Iterator[Simulator]:
    with running(Options(seed=5)) as simulator:
        customer, method = simulator.customer_with_card()
        simulator.pay(customer, method)
        simulator.stripe.v1.setup_intents.create({"customer": customer})
        yield simulator


def known_ids(simulator: Simulator) -> list[str]:
    return ["cus_none", *(one["charge"] for one in simulator.truth()["charges"])]


ODD = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "9" * 40,
        "1e9",
        str(2**63),
        "true",
        "null",
        "\x00",
        "🚗",
        "x" * 10_000,
        "pm_card_visa",
        "cny",
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
BELOW = ("", "[]", "[0]", "[gte]", "[number]", "[exp_year]", "[metadata][a]", "[enabled]")


def fields_of(route: Route) -> st.SearchStrategy[dict[str, str]]:
    """Names that the endpoint knows, so that odd values get past the unknown names."""
    names = st.sampled_from(route.params.__struct_fields__)
    return st.dictionaries(st.builds(str.__add__, names, st.sampled_from(BELOW)), ODD, max_size=4)


@settings(max_examples=400)
@given(route=st.sampled_from(ROUTES), data=st.data())
def test_odd_parameters_are_answered(
    lived_in: Simulator, route: Route, data: st.DataObject
) -> None:
    path, fields = route.path, data.draw(fields_of(route))
    while "{}" in path:
        path = path.replace("{}", data.draw(st.sampled_from(known_ids(lived_in))), 1)
    if route.method == "POST":
        reply = lived_in.http.post(path, data=fields, headers=AUTH)
    else:
        url = f"{path}?{urlencode(fields)}"
        reply = lived_in.http.request(route.method, url, headers=AUTH)
    assert reply.status_code in {200, 400, 402, 404}
    if reply.status_code != 200:
        assert reply.json()["error"]["message"]


@settings(max_examples=50)
@given(path=st.text(max_size=30), body=st.binary(max_size=200))
def test_odd_paths_and_bodies_are_answered(lived_in: Simulator, path: str, body: bytes) -> None:
    odd = quote(path.encode("utf-8", "surrogatepass"), safe="/")
    for prefix in ("/v1/", "/_sim/", "/pay/", "/"):
        reply = lived_in.http.post(prefix + odd, content=body, headers=AUTH)
        assert reply.status_code in {400, 404, 422}


def test_a_missing_or_surplus_method_is_an_unknown_url(lived_in: Simulator) -> None:
    for method, path in (("PUT", "/v1/customers"), ("DELETE", "/v1/charges/ch_1"), ("GET", "/v1/")):
        reply = lived_in.http.request(method, path, headers=AUTH)
        assert reply.status_code == 404
        assert "Unrecognized request URL" in reply.json()["error"]["message"]
