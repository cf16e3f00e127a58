"""A person's own range: learned from few stretches and from many, and what labels follow from it."""

from __future__ import annotations

import numpy as np
import pytest

from emoview.fusion.personal import STRETCH_TICKS, People, PersonalFace, stretches_of
from emoview.training.personal import PersonalFaces, Shown, fit_personal_face, last_layer

PEOPLE = People(np.zeros(4), np.array([1.0, 4.0, 0.25, 1.0]))


def test_few_stretches_say_less_of_a_person_than_many():
    own = np.array([5.0, -5.0, 0.0, 1.0])
    rng = np.random.default_rng(0)
    shown = own + rng.normal(0, 2, (400, 4))
    none, one, many = (PEOPLE.person(shown[:count]) for count in (0, 1, 400))
    assert np.array_equal(none.mean, PEOPLE.mean)
    assert (none.stretches, many.stretches) == (0, 400)
    np.testing.assert_allclose(one.mean, shown[0] / 1.5)
    assert np.abs(many.mean - own).max() < 0.4
    # Of nobody the scale is that of people, and wider, since the mean may be far off.
    assert (none.scale > np.sqrt(PEOPLE.variance) + PEOPLE.floor).all()
    np.testing.assert_allclose(many.scale - PEOPLE.floor, 2, rtol=0.2)


def test_variety_is_one_where_a_person_varies_as_people_do():
    values = np.random.default_rng(0).normal(0, np.sqrt(PEOPLE.variance), (4000, 4))
    assert PEOPLE.variety(values + 7) == pytest.approx(1, abs=0.1)
    assert PEOPLE.variety(values[:1].repeat(20, axis=0)) == pytest.approx(0, abs=1e-9)


def test_the_answer_is_that_of_centred_and_scaled_embeddings():
    rng = np.random.default_rng(0)
    layer = PersonalFace(PEOPLE, rng.normal(size=(4, 7)), rng.normal(size=7))
    person = PEOPLE.person(rng.normal(3, 1, (9, 4)))
    ticks = rng.normal(3, 1, (50, 4)).astype(np.float32)
    expected = (ticks - person.mean) / person.scale @ layer.kernel + layer.bias
    np.testing.assert_allclose(layer(ticks, person), expected, atol=1e-4)
    np.testing.assert_allclose(layer(ticks.mean(axis=0), person), expected.mean(axis=0), atol=1e-4)


@pytest.mark.parametrize(("ticks", "count"), [(1, 1), (60, 1), (STRETCH_TICKS * 4, 4), (700, 9)])
def test_stretches_are_about_three_seconds_each(ticks: int, count: int):
    values = np.arange(2 * ticks, dtype=np.float32).reshape(-1, 2)
    found = stretches_of(values)
    assert found.shape == (count, 2)
    np.testing.assert_allclose(found[:, 0].mean(), values[:, 0].mean(), rtol=0.01)
    # The same, where one value stands for several ticks.
    np.testing.assert_array_equal(stretches_of(values[:1], np.zeros(ticks, int)), values[:1].repeat(count, 0))


def test_the_last_layer_is_found_from_what_it_says():
    rng = np.random.default_rng(0)
    kernel, embeddings = rng.normal(size=(5, 7)), rng.normal(size=(40, 5))
    found = last_layer(embeddings.astype(np.float32), (embeddings @ kernel + 2).astype(np.float32))
    np.testing.assert_allclose(found, kernel, atol=1e-3)


def _clips(actors: int) -> list[Shown]:
    """Actors who differ from each other by more than their labels do; all but disgust."""
    rng = np.random.default_rng(1)
    looks = rng.normal(0, 10, (actors, 12))
    return [
        Shown(str(actor), label, np.float32(look + 2 * np.eye(12)[label] + rng.normal(0, 0.3, (2, 12))))
        for actor, look in enumerate(looks)
        for label in (0, 1, 3, 4, 5, 6) * 3
    ]


def test_labels_relative_to_the_person_are_told_of_strangers():
    clips = _clips(4)
    faces = PersonalFaces(clips, np.eye(12, 7))
    said = np.stack(faces.logits([], "3"))
    assert (said.argmax(axis=1) == [clip.label for clip in clips if clip.actor == "3"]).mean() > 0.9
    # A label that nobody shows keeps what the face network says of it.
    layer = faces.without()
    scale = np.sqrt(layer.people.variance) + layer.people.floor
    assert layer.kernel[2, 2] == pytest.approx(scale[2])
    assert layer.bias[2] == 0
    # A clip without a face says nothing, and is no part of the person.
    blind = Shown("3", 0, np.zeros((0, 12), np.float32))
    again = PersonalFaces([*clips, blind], np.eye(12, 7)).logits([], "3")
    assert not again[-1].any()
    np.testing.assert_array_equal(np.stack(again[:-1]), said)


def test_a_clip_is_no_part_of_its_own_person_and_an_actor_teaches_nothing_about_themselves():
    clips = _clips(4)
    taught: list[set[str]] = []

    class Noting(PersonalFaces):
        def without(self, *actors: str):
            taught.append(set(actors))
            return super().without(*actors)

    faces = Noting(clips, np.eye(12, 7))
    before = np.stack(faces.logits(["1"], "2"))
    assert taught == [{"1", "2"}]
    changed = [c if c.actor in "03" else Shown(c.actor, 0, c.stretches) for c in clips]
    np.testing.assert_array_equal(np.stack(PersonalFaces(changed, np.eye(12, 7)).logits(["1"], "2")), before)
    # The clip itself: moving it far away moves its answer by as much as if the person were another's.
    layer = fit_personal_face([c for c in clips if c.actor in "03"], np.eye(12, 7))
    own = [c.stretches for c in clips if c.actor == "2"]
    person = layer.people.person(np.concatenate(own[1:]))
    np.testing.assert_allclose(before[0], layer(own[0].mean(axis=0), person), atol=1e-4)
