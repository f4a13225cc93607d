"""The published OpenAPI document is that of the routes."""

from pathlib import Path

from hotband.service.openapi import openapi_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_published_document_is_that_of_the_routes() -> None:
    """Where this fails: make schemas, and look at the difference."""
    assert PUBLISHED.read_text("utf-8") == openapi_text()


def test_every_operation_has_a_name_of_its_own() -> None:
    from hotband.service.app import create_api

    document = create_api().openapi()
    names = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert document["openapi"].startswith("3.1")
    assert len(set(names)) == len(names) > 30
