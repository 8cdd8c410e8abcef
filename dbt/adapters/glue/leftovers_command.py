"""`dbt-glue leftovers`: what killed runs have left in the Data Catalog and on S3.

Nothing of dbt or AWS is imported before the command runs.
"""

import argparse
import json
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

from dbt.adapters.glue.doctor.command import add_profile_options, dbt_arguments
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.sessions_command import age, print_table

DEFAULT_HOURS = 48.0


def add_leftovers(commands: Any) -> None:
    """The parser of the command."""
    leftovers = commands.add_parser(
        "leftovers", help="staging tables, builds and files that killed runs have left"
    )
    actions = leftovers.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list",
        help="list them; a run that is under way has the same",
        description="Staging tables and views, folders of builds, rows of seeds and results, of "
        "the profile's location and the databases in it. A run that is under way has the same.",
    )
    listing.add_argument("--json", action="store_true", help="as a JSON list")
    listing.set_defaults(run=_list)
    removing = actions.add_parser(
        "remove",
        help="remove those of a certain age",
        description="Removes what `list` shows, if it is old enough that no run can be using it.",
    )
    removing.add_argument(
        "--older-than",
        type=float,
        default=DEFAULT_HOURS,
        metavar="HOURS",
        help=f"default: {DEFAULT_HOURS:.0f}; 0 where no run of dbt is under way",
    )
    removing.set_defaults(run=_remove)
    for parser in (listing, removing):
        parser.add_argument(
            "--schema",
            action="append",
            metavar="NAME",
            help="look into this database only; may be repeated",
        )
        add_profile_options(parser)


def _found(options: argparse.Namespace) -> tuple[Any, list[Any]]:
    from dbt.adapters.glue.catalog import DataCatalog
    from dbt.adapters.glue.clients import get_clients
    from dbt.adapters.glue.doctor import profile
    from dbt.adapters.glue.known_catalog import KnownCatalog
    from dbt.adapters.glue.leftovers import Leftovers
    from dbt.adapters.glue.storage import TableStorage

    credentials = profile.load(dbt_arguments(options)).credentials
    clients = get_clients(credentials.client_settings())
    catalog = DataCatalog(clients, credentials.catalog_id)
    storage = TableStorage(
        clients, KnownCatalog(catalog), credentials.location, credentials.root_location
    )
    leftovers = Leftovers(catalog, storage)
    own = [name for name in (credentials.schema, credentials.temp_schema) if name]
    schemas = options.schema or [*own, *leftovers.schemas()]
    names = dict.fromkeys(name.lower() for name in schemas)
    return leftovers, sorted(leftovers.find(names), key=lambda left: left.made)


def _list(options: argparse.Namespace) -> int:
    _, found = _found(options)
    if options.json:
        shown = [{**left._asdict(), "made": left.made.isoformat()} for left in found]
        print(json.dumps(shown, indent=2))
    elif not found:
        print("nothing is left")
    else:
        print_table(
            [("KIND", "AGE", "WHERE"), *((left.kind, age(left.made), str(left)) for left in found)]
        )
    return 0


def _remove(options: argparse.Namespace) -> int:
    leftovers, found = _found(options)
    before = datetime.now(timezone.utc) - timedelta(hours=options.older_than)
    old = [left for left in found if left.made <= before]
    failed = False
    for left in old:
        try:
            leftovers.remove(left)
            print(f"removed {left.kind} {left}")
        except GlueError as error:
            print(f"dbt-glue: {error}", file=sys.stderr)
            failed = True
    if len(old) < len(found):
        print(f"{len(found) - len(old)} younger than {options.older_than:g} h: left alone")
    elif not found:
        print("nothing is left")
    return 1 if failed else 0
