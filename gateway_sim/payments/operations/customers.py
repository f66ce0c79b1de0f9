"""Customers."""

from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments.operations.params import Metadata, Params, merge_metadata
from gateway_sim.payments.operations.search import SearchPage, SearchParams, search_page
from gateway_sim.payments.shapes.customer import Customer, DeletedCustomer
from gateway_sim.payments.shapes.payment_method import PaymentMethod

if TYPE_CHECKING:
    from gateway_sim.payments.world import World
    from gateway_sim.wire import JsonObject


class InvoiceSettingsParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which card is charged when nothing else is said."""

    default_payment_method: str = ""


class CustomerParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For creation and update; an empty string clears a text."""

    description: str | None = None
    email: str | None = None
    invoice_settings: InvoiceSettingsParams | None = None
    metadata: Metadata | None = None
    name: str | None = None
    phone: str | None = None
    preferred_locales: list[str] | None = None


def create(world: "World", params: CustomerParams) -> Customer:
    """Take on a payer."""
    customer_id = world.ids.make("cus")
    customer = Customer(
        id=customer_id,
        created=world.clock.created(),
        invoice_prefix=world.ids.token(customer_id, 8).upper(),
    )
    _apply(world, customer, params)
    world.save(customer)
    world.emit("customer.created", customer)
    return customer


def retrieve(world: "World", _params: Params, customer_id: str) -> Customer | DeletedCustomer:
    """A customer, or what is left of one."""
    deleted = world.store.get(DeletedCustomer, customer_id)
    return deleted or world.load(Customer, customer_id)


def update(world: "World", params: CustomerParams, customer_id: str) -> Customer:
    """Change what is given."""
    customer = world.load(Customer, customer_id)
    _apply(world, customer, params)
    world.save(customer)
    world.emit("customer.updated", customer)
    return customer


def delete(world: "World", _params: Params, customer_id: str) -> "JsonObject":
    """Forget a customer; its cards are detached."""
    customer = world.load(Customer, customer_id)
    for method in world.store.find(PaymentMethod, where={"customer": customer_id}):
        method.customer = None
        world.save(method)
    world.emit("customer.deleted", customer)
    world.store.replace(DeletedCustomer(id=customer.id, created=customer.created))
    return {"id": customer.id, "object": "customer", "deleted": True}


def search(world: "World", params: SearchParams) -> SearchPage:
    """Customers by metadata, e-mail, name, phone or time."""
    return search_page(world, Customer, params, url="/v1/customers/search")


def _apply(world: "World", customer: Customer, params: CustomerParams) -> None:
    for name in ("description", "email", "name", "phone"):
        given = getattr(params, name)
        if given is not None:
            setattr(customer, name, given or None)
    if params.preferred_locales is not None:
        customer.preferred_locales = params.preferred_locales
    if params.invoice_settings is not None:
        chosen = params.invoice_settings.default_payment_method
        if chosen:
            world.load(PaymentMethod, chosen, param="invoice_settings[default_payment_method]")
        customer.invoice_settings.default_payment_method = chosen or None
    customer.metadata = merge_metadata(customer.metadata, params.metadata)
