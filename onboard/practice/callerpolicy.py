"""iam:SimulatePrincipalPolicy, which moto lacks. The practice cloud allows its caller everything, and answers so."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

_RESULT = (
    "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
    "<EvalDecision>allowed</EvalDecision></member>"
)
_ANSWER = (
    '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>'
    "<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
    "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
)


def simulated(fields: Mapping[str, str]) -> str:
    """The answer to a request's form fields (`ActionNames.member.1`, `ResourceArns.member.1`), as XML."""
    actions = [value for name, value in fields.items() if name.startswith("ActionNames.member.")]
    resource = escape(fields.get("ResourceArns.member.1", "*"))
    return _ANSWER.format(results="".join(_RESULT.format(action=escape(name), resource=resource) for name in actions))
