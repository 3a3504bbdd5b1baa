"""A report has proposals where the contract has them."""

import pytest

from model.canonical import instant
from model.contract_record import AcceptanceRecord, ItemRecord
from model.service_provider import ServiceProviders
from pipeline.notifying.reporting import make_report
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import on_record
from tests.filled import fill
from tests.recorded_clouds import TENANT, catalog_of_services


@pytest.mark.article(2)
@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_without_proposals_in_the_contract_a_report_has_none(home: Home, clock: MovingClock) -> None:
    fill(home, clock, TENANT.tenant)
    policies = catalog_of_services("s3").policies
    made = make_report(home, TENANT, policies, clock, ServiceProviders())
    assert (made.proposes, bool(made.proposals)) == (True, True)
    start, at = TENANT.agreed.start, instant(clock.now())
    number = on_record(home, TENANT.tenant, ItemRecord("base", start, start), at)
    on_record(home, TENANT.tenant, AcceptanceRecord(number), at)
    clock.sleep(86_400)
    made = make_report(home, TENANT, policies, clock, ServiceProviders())
    assert (made.proposes, made.proposals, bool(made.groups)) == (False, (), True)
