import pytest
from fakes import Fake


@pytest.fixture
def fake() -> Fake:
    return Fake()
