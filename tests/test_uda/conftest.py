"""What tests of losses share: double precision, and the first iteration."""

import pytest
from mmengine.logging import MessageHub

from tests.helpers.precision import double_precision


@pytest.fixture
def float64():
    with double_precision():
        yield


@pytest.fixture(autouse=True)
def first_iteration():
    hub = MessageHub.get_current_instance()
    before = hub.runtime_info.get('iter')
    hub.update_info('iter', 0)
    yield
    hub.update_info('iter', before or 0)
