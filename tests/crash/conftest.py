"""The crash tests use the same PostgreSQL as the tests of the stores."""

from tests.store.conftest import server as server
