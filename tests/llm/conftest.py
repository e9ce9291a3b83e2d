from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from endpoint import Endpoint
from fakes import Fake


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest_asyncio.fixture(loop_scope="function")
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    await endpoint.server.start_server()
    yield endpoint
    await endpoint.server.close()
