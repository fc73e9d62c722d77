"""What each migration's upload says: where it begins, where it ends, what it makes."""

from components.edge.migrations import MIGRATIONS, Migration, build_migrations


def test_the_first_begins_with_nothing_and_makes_every_class() -> None:
    tag, first = next(build_migrations())
    assert tag == "objects-1"
    assert first == {"new_tag": "objects-1", "new_sqlite_classes": ["Limiter", "HookLedger", "HookOutbox"]}


def test_each_later_one_names_the_one_before() -> None:
    history = (*MIGRATIONS, Migration("objects-2", ("More",)), Migration("objects-3", ("Most",)))
    steps = dict(build_migrations(history))
    assert steps["objects-2"] == {"old_tag": "objects-1", "new_tag": "objects-2", "new_sqlite_classes": ["More"]}
    assert steps["objects-3"]["old_tag"] == "objects-2"


def test_no_tag_and_no_class_is_there_twice() -> None:
    tags, classes = [step.tag for step in MIGRATIONS], [name for step in MIGRATIONS for name in step.makes]
    assert len(set(tags)) == len(tags)
    assert len(set(classes)) == len(classes)
