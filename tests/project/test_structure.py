"""The tree stays one that can be read: `make structure` prints the figures."""

import pytest

from tests.project import structure


@pytest.mark.parametrize("figure", structure.figures(), ids=lambda figure: figure.name)
def test_tree_stays_within_its_limits(figure: structure.Figure) -> None:
    assert figure.fits, str(figure)
