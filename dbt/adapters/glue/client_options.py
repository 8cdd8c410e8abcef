"""The keys of a profile that say who calls AWS, where, and in which catalog."""

import re
from dataclasses import dataclass
from typing import Any, Union

from dbt.adapters.contracts.connection import Credentials

from dbt.adapters.glue.clients import ClientSettings
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.identity import DEFAULT_SESSION_NAME, Role
from dbt.adapters.glue.options import at_least, matches, one_of, option
from dbt.adapters.glue.other_catalogs import OtherCatalogs, other_catalogs

RETRY_MODES = ("legacy", "standard", "adaptive")
ROLE_ARN = re.compile(r"arn:aws[^:]*:iam::\d*:role/.+")
URL = re.compile(r"https?://.+")
# Members of AssumeRole's request (botocore, sts service model).
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
SHORTEST_ROLE, LONGEST_ROLE = 900, 43200  # seconds
MAX_TAGS = 50

Mapping_ = Union[str, dict[str, Any], None]  # noqa: UP007 mashumaro reads this at run time


@dataclass
class ClientOptions(Credentials):
    """The identity of the calls that dbt makes itself. The session has its own: role_arn."""

    role_arn: str | None = option(
        None,
        "text",
        "The IAM role that the session runs as (service role). Required unless `local`.",
        expected="an ARN such as arn:aws:iam::123456789012:role/GlueInteractiveSessionRole",
        check=matches(ROLE_ARN),
        example="arn:aws:iam::123456789012:role/GlueInteractiveSessionRole",
        session=True,
    )
    region: str | None = option(
        None, "text", "The AWS region. Required unless `local`.", example="eu-west-1"
    )
    aws_profile_name: str | None = option(None, "text", "Profile of ~/.aws to take keys from.")
    assume_role_arn: str | None = option(
        None,
        "text",
        "The IAM role that dbt itself assumes for all its calls of AWS, and renews before it "
        "expires: docs/identity.md.",
        expected="an ARN such as arn:aws:iam::123456789012:role/DbtClient",
        check=matches(ROLE_ARN),
        example="arn:aws:iam::123456789012:role/DbtClient",
    )
    assume_role_external_id: str | None = option(
        None,
        "text",
        "The external id that the trust policy of `assume_role_arn` asks for. Never shown.",
        expected="2 to 1224 letters, digits and any of _+=,.@:/-",
        check=matches(EXTERNAL_ID),
        secret=True,
    )
    assume_role_session_name: str | None = option(
        DEFAULT_SESSION_NAME,
        "text",
        "Name of the assumed role's session, as CloudTrail shows it.",
        expected="2 to 64 letters, digits and any of _+=,.@-",
        check=matches(SESSION_NAME),
    )
    assume_role_duration_seconds: int | None = option(
        None,
        "integer",
        "How long the assumed role's keys live; AWS's default is an hour.",
        expected=f"an integer from {SHORTEST_ROLE} to {LONGEST_ROLE}",
        check=lambda value: SHORTEST_ROLE <= value <= LONGEST_ROLE,
    )
    assume_role_tags: Mapping_ = option(
        None,
        "text or mapping",
        "Session tags of `assume_role_arn`; the trust policy must allow sts:TagSession.",
        example="{team: data}",
    )
    assume_role_transitive_tags: str | None = option(
        None,
        "text",
        "Keys of `assume_role_tags`, separated by commas, that hold in roles assumed from it too.",
        example="team",
    )
    use_interactive_session_role_for_api_calls: bool | None = option(
        False,
        "boolean",
        "Assume `role_arn` for the calls of the client too, after `assume_role_arn` if that is "
        "set.",
    )
    endpoint_url: str | None = option(
        None,
        "text",
        "Endpoint of every AWS call, for a VPC endpoint or an emulation.",
        expected="a URL such as http://127.0.0.1:4566",
        check=matches(URL),
    )
    boto_retry_mode: str | None = option(
        "adaptive", "text", "Retry mode of AWS calls.", **one_of(*RETRY_MODES)
    )
    boto_retry_max_attempts: int = option(
        10, "integer", "Repeats of an AWS call that was throttled or got no answer.", **at_least(1)
    )
    catalog_id: str | None = option(
        None, "text", "Account id of the Data Catalog, if not your own.", example="'123456789012'"
    )
    data_catalogs: Mapping_ = option(
        None,
        "text or mapping",
        "Data Catalogs of other accounts that sources are read from: a name for each, and its "
        "account id. A source names one as its `database`, or by `meta: {catalog_id: …}`: "
        "docs/identity.md.",
        expected="a mapping of names to account ids, such as {finance: '210987654321'}",
        check=lambda value: isinstance(value, dict),
        example="{finance: '210987654321'}",
    )
    local: bool = option(
        False,
        "boolean",
        "Run on local Glue, on this machine, without an AWS account. Also on when "
        "`dbt-glue local run` starts dbt (it sets DBT_GLUE_LOCAL=1).",
    )
    local_dir: str | None = option(None, "text", "Folder of local Glue.", example="./.glue")

    @property
    def account(self) -> str | None:
        """The AWS account of the role."""
        parts = (self.role_arn or "").split(":")
        return parts[4] or None if len(parts) > 4 else None

    @property
    def other_catalogs(self) -> OtherCatalogs:
        """The Data Catalogs of other accounts. Raises ConfigurationError for what is no name or no
        account id."""
        given = self.data_catalogs if isinstance(self.data_catalogs, dict) else {}
        return other_catalogs(given, self.catalog_id or self.account)

    @property
    def roles(self) -> tuple[Role, ...]:
        """What the client assumes, in order; nothing on local Glue, which has no IAM.

        Raises ConfigurationError for keys that fit no role, and for tags that are none.
        """
        if self.assume_role_arn is None:
            self._refuse_without_a_role()
        if self.local:
            return ()
        roles = []
        if self.assume_role_arn:
            tags = self._role_tags()
            roles.append(
                Role(
                    self.assume_role_arn,
                    session_name=self.assume_role_session_name or DEFAULT_SESSION_NAME,
                    external_id=self.assume_role_external_id,
                    duration=self.assume_role_duration_seconds,
                    tags=tags,
                    transitive_tag_keys=self._transitive_keys(tags),
                )
            )
        if self.use_interactive_session_role_for_api_calls and self.role_arn:
            roles.append(Role(self.role_arn))
        return tuple(roles)

    def _refuse_without_a_role(self) -> None:
        for name in ("external_id", "duration_seconds", "tags", "transitive_tags"):
            if getattr(self, f"assume_role_{name}") is not None:
                raise ConfigurationError(
                    f"assume_role_{name}: there is no assume_role_arn that it could belong to",
                    hint="Name the role that dbt is to assume by assume_role_arn. (role_arn is "
                    "the role of the session.)",
                )

    def _role_tags(self) -> tuple[tuple[str, str], ...]:
        given = self.assume_role_tags or {}
        if isinstance(given, str):
            pairs = [entry.partition("=") for entry in _names(given)]
            wrong = [key for key, separator, value in pairs if not (key and separator and value)]
            if wrong:
                raise ConfigurationError(
                    f"assume_role_tags: got {given!r}, expected key=value,key=value"
                )
            given = {key.strip(): value.strip() for key, _, value in pairs}
        if len(given) > MAX_TAGS:
            raise ConfigurationError(
                f"assume_role_tags: got {len(given)} tags, expected at most {MAX_TAGS}"
            )
        return tuple((str(key), str(value)) for key, value in given.items())

    def _transitive_keys(self, tags: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        keys = tuple(_names(self.assume_role_transitive_tags or ""))
        for key in keys:
            if key not in dict(tags):
                raise ConfigurationError(
                    f"assume_role_transitive_tags: got {key!r}, expected keys of assume_role_tags "
                    f"({', '.join(dict(tags)) or 'there are none'})"
                )
        return keys

    def client_settings(self) -> ClientSettings:
        return ClientSettings(
            region=self.region,
            profile_name=self.aws_profile_name,
            endpoint_url=self.endpoint_url,
            roles=self.roles,
            retry_mode=self.boto_retry_mode or "adaptive",
            retry_max_attempts=self.boto_retry_max_attempts,
            catalog_id=self.catalog_id,
            local=self.local,
            local_dir=self.local_dir,
        )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
