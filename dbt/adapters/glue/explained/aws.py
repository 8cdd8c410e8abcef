"""Causes that AWS tells: credentials, permissions, places and limits.

The texts are those of botocore's models, of the Glue developer guide ("Troubleshooting Spark
errors") and of public issues; none was seen on an AWS account of ours.
"""

from dbt.adapters.glue.explained.model import Explanation, Sign

DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "AuthorizationError")
S3_OPERATIONS = (
    *("GetObject", "PutObject", "DeleteObject", "DeleteObjects", "ListObjectsV2", "HeadBucket"),
    *("CreateBucket", "HeadObject"),
)
S3_DENIED = r"\(Service: (Amazon )?S3[;,] Status Code: 403"
LIMIT = "ResourceNumberLimitExceededException"
# A role's policy does not allow it, as IAM says it for every service.
NOT_AUTHORIZED = r"is not authorized to perform:? "
# STS says it in these words, without a user, to whoever comes with a web identity.
NOT_TO_ASSUME = r"(?i)\bnot authorized to perform:? sts:(AssumeRole|TagSession|SetSourceIdentity)"

CREDENTIALS = (
    Explanation(
        "Clock",
        "The clock of this machine is wrong: AWS takes requests that are at most five minutes old.",
        "Set the clock (NTP), then repeat the command.",
        (
            Sign(codes=("RequestTimeTooSkewed", "RequestExpired")),
            Sign(text=r"Signature expired: \S+ is now earlier than|Signature not yet current"),
        ),
    ),
    Explanation(
        "Expired credentials",
        "The AWS credentials have expired.",
        "Sign in again (for SSO: `aws sso login`), then repeat the command.",
        (
            Sign(codes=("ExpiredToken", "ExpiredTokenException")),
            Sign(text=r"token included in the request is expired"),
            Sign(text=r"Token has expired and refresh failed"),
            Sign(text=r"SSO session (associated with this profile )?has expired"),
        ),
    ),
    Explanation(
        "Unknown credentials",
        "AWS does not know these credentials.",
        "Look at `aws sts get-caller-identity` with the same `aws_profile_name` and environment, "
        "and give dbt the keys that work there.",
        (
            Sign(codes=("UnrecognizedClientException", "InvalidClientTokenId")),
            Sign(codes=("InvalidSignatureException", "SignatureDoesNotMatch")),
            Sign(codes=("InvalidAccessKeyId",)),
        ),
    ),
)

PERMISSIONS = (
    Explanation(
        "PassRole is missing",
        "Whoever runs dbt may not hand the session role (`role_arn`) to Glue.",
        "Allow it iam:PassRole on that role, with iam:PassedToService = glue.amazonaws.com: "
        "`dbt-glue doctor --policy` prints the statement.",
        (Sign(text=NOT_AUTHORIZED + "iam:PassRole"),),
    ),
    Explanation(
        "A role cannot be assumed",
        "The role may not be assumed by whoever runs dbt: the role's trust policy or the caller's "
        "own policy does not allow it.",
        "Allow the caller sts:AssumeRole on the role, and name the caller in the role's trust "
        "policy.",
        (Sign(text=NOT_TO_ASSUME),),
    ),
    Explanation(
        "Glue cannot assume the session role",
        "Glue may not assume the session role (`role_arn`), or there is no role of that name.",
        "Its trust policy must let glue.amazonaws.com do sts:AssumeRole: "
        "`dbt-glue doctor --policy trust` prints it.",
        (
            Sign(text=r"should be given assume role permissions for Glue Service"),
            Sign(text=r"Service is unable to assume (provided )?role"),
            Sign(codes=("InvalidInputException",), text=r"Unable to assume role"),
        ),
    ),
    Explanation(
        "Lake Formation denies",
        "Lake Formation does not let this role do that; it is asked beside IAM.",
        "Grant the permission named in the message on the database, table or location to the "
        "session role and to whoever runs dbt, or let IAM alone decide (IAMAllowedPrincipals).",
        (
            Sign(text=r"Insufficient Lake Formation permission"),
            Sign(codes=DENIED, text=NOT_AUTHORIZED + "lakeformation:"),
            Sign(text=NOT_AUTHORIZED + "lakeformation:GetDataAccess"),
            Sign(text=r"Principal does not have any privilege on specified resource"),
            Sign(text=r"User does not have access to the table or its columns"),
        ),
    ),
    Explanation(
        "A KMS key is denied",
        "The data or the catalog is encrypted with a KMS key that this role may not use.",
        "Allow the role the kms: action named in the message on that key, in the key's policy too.",
        (
            Sign(text=NOT_AUTHORIZED + "kms:"),
            Sign(codes=("GlueEncryptionException", "KMS.AccessDeniedException")),
        ),
    ),
    Explanation(
        "The bucket is denied",
        "S3 denies the access to that bucket or path.",
        "The role that asks needs s3:GetObject, s3:PutObject, s3:DeleteObject below `location` and "
        "s3:ListBucket on its bucket (`dbt-glue doctor --policy`, `--policy service-role`); look "
        "at the bucket's policy too, and at its account.",
        (
            Sign(codes=(*DENIED, "403"), operations=S3_OPERATIONS),
            Sign(text=S3_DENIED),
        ),
    ),
    Explanation(
        "A permission is missing",
        "The role or user named in the message lacks the permission named in it.",
        "Add it: `dbt-glue doctor --policy` prints what whoever runs dbt needs, and "
        "`--policy service-role` what the session role needs.",
        (
            Sign(codes=DENIED),
            Sign(text=r"(User|user): arn:\S+ " + NOT_AUTHORIZED + r"\w+:\w+"),
        ),
    ),
)

PLACES = (
    Explanation(
        "No bucket",
        "There is no such bucket.",
        "Check `location` in the profile and `custom_location` of the model, or create the bucket "
        "in the profile's region.",
        (
            Sign(codes=("NoSuchBucket",)),
            Sign(text=r"The specified bucket does not exist"),
            Sign(text=r"UnknownStoreException"),
        ),
    ),
    Explanation(
        "Wrong region of a bucket",
        "The bucket is in another region than the profile's `region`.",
        "Use a bucket of that region in `location`, or correct `region`.",
        (
            Sign(codes=("PermanentRedirect", "AuthorizationHeaderMalformed")),
            Sign(codes=("IllegalLocationConstraintException", "301")),
            Sign(text=r"The bucket is in this region: |must be addressed using the specified end"),
        ),
    ),
    Explanation(
        "AWS cannot be reached",
        "There is no way from here to that address: the name of the region is wrong, the network "
        "has no way out, or a VPC endpoint is missing.",
        "Check `region` (and `endpoint_url`); without internet access the VPC needs interface "
        "endpoints for glue and sts, and an endpoint for s3.",
        (
            # Local Glue is at http://127.0.0.1.
            Sign(codes=("EndpointConnectionError", "ConnectTimeoutError"), text=r"\"https://"),
            Sign(codes=("InvalidRegionError",)),
        ),
    ),
    Explanation(
        "The session's network",
        "Glue cannot start the session in the network of its `connections`.",
        "The connection's subnet needs a way to S3 (a gateway endpoint or NAT), and a security "
        "group of its own that lets all TCP in from itself.",
        (
            Sign(text=r"VPC S3 endpoint validation failed"),
            Sign(text=r"Could not find S3 endpoint or NAT gateway"),
            Sign(text=r"At least one security group must open all (in|e)gress ports"),
        ),
    ),
    Explanation(
        "No free addresses",
        "The subnet of the session's `connections` has too few free IP addresses: each worker "
        "takes one.",
        "Use fewer `workers` or a larger subnet, and end sessions that are not needed "
        "(`dbt-glue sessions list`).",
        (Sign(text=r"subnet does not have enough free addresses"),),
    ),
    Explanation(
        "Quota",
        "A limit of the account is reached, of sessions or of DPUs.",
        "Stop sessions that are not needed (`dbt-glue sessions list`), use fewer `workers`, or ask "
        "for a higher quota (Service Quotas, AWS Glue).",
        (
            Sign(codes=(LIMIT,), operations=("CreateSession",)),
            Sign(text=r"(?i)\bmax(imum)? (task DPUs|concurrent (compute|sessions|DPUs?))"),
        ),
    ),
    Explanation(
        "Another quota",
        "A limit of Glue for this account is reached, of what the operation makes (tables, their "
        "versions, partitions, databases).",
        "Delete what is not needed, or ask for a higher quota (Service Quotas, AWS Glue).",
        (Sign(codes=(LIMIT,)),),
    ),
    Explanation(
        "No capacity",
        "AWS has no free machines of this kind in the region just now.",
        "Repeat the command later, or ask for another `worker_type` or fewer `workers`.",
        (
            Sign(codes=("InsufficientCapacityException", "InsufficientInstanceCapacity")),
            Sign(text=r"(?i)\binsufficient capacity\b|^(error: )?resource unavailable\b"),
        ),
    ),
    Explanation(
        "Throttling",
        "AWS limits the rate of calls, for the whole account, and kept doing so after all repeats.",
        "Raise `boto_retry_max_attempts`, or let fewer processes run at once.",
        (
            Sign(codes=("ThrottlingException", "Throttling", "TooManyRequestsException")),
            Sign(codes=("ThrottledException", "RequestThrottled", "RequestThrottledException")),
            Sign(codes=("RequestLimitExceeded", "SlowDown")),
        ),
        retryable=True,
    ),
    Explanation(
        "AWS fails",
        "AWS answered with an error of its own, and kept doing so after all repeats.",
        "Repeat the command later; https://health.aws.amazon.com tells of trouble in the region.",
        (
            Sign(codes=("InternalServiceException", "InternalFailure", "InternalServerError")),
            Sign(codes=("InternalError", "ServiceUnavailable", "ServiceUnavailableException")),
            Sign(codes=("OperationTimeoutException", "500", "502", "503", "504")),
        ),
    ),
    Explanation(
        "AWS does not answer",
        "AWS, or what lies between here and AWS, broke off the connection or did not answer in "
        "time, and kept doing so after all repeats.",
        "Repeat the command; where it stays, look at proxies, firewalls and VPNs on the way.",
        (
            Sign(codes=("ReadTimeoutError", "ConnectionClosedError", "ResponseStreamingError")),
            Sign(codes=("IncompleteReadError",)),
        ),
    ),
    Explanation(
        "The answer is not one of AWS",
        "What came back is no answer of AWS, or only a part of one: a proxy or a sign-in page "
        "answers in its place, or cuts it.",
        "Look at the proxy settings (HTTPS_PROXY, NO_PROXY) and `endpoint_url`, then repeat the "
        "command.",
        (Sign(codes=("UnreadableAnswer",)),),
    ),
)
