"""What of its user's environment a practice has."""

from onboard.model.practice_environment import practice_environment


def test_nothing_of_the_users_aws_configuration_stays() -> None:
    user = {
        "PATH": "/bin",
        "LAWS_OF_NATURE": "kept",
        "AWS_PROFILE": "prod",
        "AWS_DEFAULT_PROFILE": "prod",
        "AWS_SESSION_TOKEN": "token",
        "AWS_ENDPOINT_URL_SSM": "https://ssm.eu-central-1.amazonaws.com",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SOMETHING_OF_NEXT_YEAR": "x",
        "Aws_Profile": "as Windows may have it",
    }
    assert practice_environment(user, {"AWS_ACCESS_KEY_ID": "AKIAPRACTICE", "ONBOARD_HOME": "/p"}) == {
        "PATH": "/bin",
        "LAWS_OF_NATURE": "kept",
        "AWS_ACCESS_KEY_ID": "AKIAPRACTICE",
        "ONBOARD_HOME": "/p",
    }
