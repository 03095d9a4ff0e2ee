import pytest

from app.farm.link import FarmLink


@pytest.fixture
def link(qapp, farm):
    link = FarmLink(command=farm.command)
    yield link
    link.stop()
    link.deleteLater()
