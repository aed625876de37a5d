import numpy as np
import pytest

from brainscore_realnet.simulation.concepts import N_SHAPES, PROPERTIES, concept, properties
from brainscore_realnet.simulation.images import SHAPES, draw_image


@pytest.mark.parametrize("number", range(8))
def test_concept_is_what_images_of_it_show(number):
    for exemplar in range(2):
        pixels = np.asarray(draw_image(number, exemplar, seed=3, size=96)).reshape(-1, 3)
        for colour in concept(number, seed=3).colours:
            assert (pixels == (colour * 255).astype(np.uint8)).all(axis=1).any()


def test_there_are_as_many_shapes_as_are_drawn():
    assert len(SHAPES) == N_SHAPES
    assert {concept(number, seed=0).shape for number in range(100)} == set(range(N_SHAPES))


def test_all_properties_count_the_same():
    described = properties(range(5000), seed=1)
    assert described.shape == (5000, len(PROPERTIES))
    np.testing.assert_allclose(described.mean(axis=0), 0, atol=0.02)
    apart = ((described[:2500] - described[2500:]) ** 2).mean(axis=0)
    np.testing.assert_allclose(apart, 1 / len(PROPERTIES), rtol=0.06)
    assert np.abs(np.corrcoef(described.T) - np.eye(len(PROPERTIES))).max() < 0.05


def test_properties_of_a_concept_do_not_depend_on_the_others():
    np.testing.assert_array_equal(properties([7], seed=1)[0], properties([3, 7, 9], seed=1)[1])


def test_properties_order_concepts_as_their_names_say():
    numbers = range(30)
    described = dict(zip(PROPERTIES, properties(numbers, seed=2).T, strict=True))
    concepts = [concept(number, seed=2) for number in numbers]
    mixed = [(one.colours[0] + one.colours[1]) / 2 for one in concepts]
    expected = {
        "lightness": [red + green + blue for red, green, blue in mixed],
        "red-green": [red - green for red, green, blue in mixed],
        "blue-yellow": [blue - (red + green) / 2 for red, green, blue in mixed],
        "contrast": [sum(abs(one.colours[0][k] - one.colours[1][k]) for k in range(3)) for one in concepts],
        "size": [one.size for one in concepts],
    }
    for name, values in expected.items():
        assert np.corrcoef(described[name], values)[0, 1] == pytest.approx(1)
