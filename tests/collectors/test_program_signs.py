"""Secrets in the files of programs: found where they stand, and not wherever a suggestive name does."""

import pytest

from collectors.program_signs import file_signs, is_looked_at
from tests.written_secrets import SECRETS

HARMLESS = [
    ("db.py", 'password = os.environ["DB_PASSWORD"]'),
    ("db.py", 'password = get_secret("prod-db-password")'),
    ("db.py", 'password = ""'),
    ("db.py", 'PASSWORD_FIELD = "password"'),
    ("db.py", 'form = {"password": "password", "token": "csrf_token"}'),
    ("db.py", 'password = f"{user}-{pin}"'),
    ("db.py", 'if password == "hunter22":'),  # comparisons are not looked at
    ("db.py", 'raise ValueError("password: has to be long")'),
    ("db.py", 'label = {"password": "Enter your password"}'),
    ("db.py", 'AWS_SECRET = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop-a1b2c3"'),
    ("db.py", 'SECRET_NAME = "shop-db"'),
    ("db.py", 'url = f"postgres://{user}:{password}@{host}/shop"'),
    ("db.py", "# postgres://user:password@host/database"),
    ("db.py", 'reply = {"NextToken": "eyJtYXJrZXIi1234567890abcdef"}'),
    ("db.py", 'TOKEN = "x-aws-token"'),
    ("db.py", 'refresh_token = "compute-placeholder-of-jwt"'),
    ("db.py", 'dsn = "host=db;password=%(password)s;sslmode=require"'),
    ("ja.json", '{"password": "パスワード", "passwordMismatch": "パスワードが一致しません。"}'),
    ("ja.properties", "password.label=パスワード"),
    ("ja.ini", "error_password=パスワードが違います"),
    ("rules.php", "'password' => 'required|min:8',"),
    ("db.py", 'DB_SECRET = "prod-db-credentials-1"'),
    ("db.py", 'secret = get_secret(secret="shop-db-prod")'),
    ("db.py", 'INVALID_PASSWORD = "E1001"'),
    ("db.js", 'const wrongPassword = "E1001"'),
    ("db.py", 'errors["password"] = "too_short"'),
    ("db.py", 'private_key = "key.pem"'),
    ("db.py", 'PASSWORD = "REDACTED"'),
    ("db.py", 'api_key = "your-api-key-here"'),
    ("db.py", 'password = "vault:secret/data/db#pw"'),
    ("db.py", 'i18n.add("password", "Kennwort")'),
    ("db.py", 'passphrase = "tls1.key"'),
    ("db.js", r'const patterns = {password: "[A-Z]+\\d9"};'),
    ("db.js", "const password = `shop-1-${suffix()}`;"),
    ("db.js", 'const fields = {password: "#login-pw"};'),
    ("db.js", "const password = req.body.password;"),
    ("db.js", "const {password, token} = credentials;"),
    ("db.js", "const t = {secretKey: 'STRING_VALUE'}"),
    ("db.js", 'type: "password", name: "password"'),
    ("db.js", "const dbPassword = process.env.DB_PASSWORD || ''"),
    ("db.js", "connect(`mysql://${user}:${password}@db/shop`)"),
    ("key.js", "if (key.indexOf('-----BEGIN PRIVATE KEY-----') !== 0) throw new Error('no key')"),
    ("key.js", "'-----BEGIN PRIVATE KEY-----\\n' + process.env.PRIVATE_KEY"),
    ("package.json", '"pbkdf2-password": "1.2.1",'),
    ("Db.java", 'String password = System.getenv("DB_PASSWORD");'),
    ("Db.java", 'getConnection("jdbc:mysql://db/shop?user=" + user + "&password=" + password)'),
    ("db.php", "$password = $_POST['password'];"),
    ("db.rb", "password: Rails.application.credentials.db_password"),
    ("template.yaml", "DB_PASSWORD: !Ref DbPassword"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "kind"), SECRETS)
def test_secrets_are_reported_by_their_line_and_kind(name: str, text: str, kind: str) -> None:
    assert is_looked_at(f"src/{name}")
    assert list(file_signs(f"src/{name}", f"\n{text}\n")) == [{"line": 2, "looks_like": kind}]


@pytest.mark.parametrize(("name", "text"), HARMLESS)
def test_expressions_names_labels_and_placeholders_are_no_secrets(name: str, text: str) -> None:
    assert is_looked_at(name)
    assert list(file_signs(name, text)) == []


WORDS = ["next", "continuation", "page", "paging", "cursor", "marker", "input", "output", "csrf", "xsrf"]


@pytest.mark.parametrize("word", WORDS)
def test_tokens_for_the_next_page_and_against_forged_requests_are_no_secrets(word: str) -> None:
    for name in (f"{word}_token", f"{word}Token"):
        assert list(file_signs("db.py", f'{name} = "dG9rZW4tZm9yLXNob3A3"')) == []


@pytest.mark.parametrize(
    "name", ["bootstrap", "app.jar", "Main.class", "lib/x.so", "logo.png", "README.md", "data.csv"]
)
def test_compiled_programs_pictures_prose_and_data_are_not_read(name: str) -> None:
    assert not is_looked_at(name)


@pytest.mark.parametrize("piece", ["password=", "eyJ", "a: b: ", "'`\"", "env.", '("', "://:", "-----BEGIN "])
def test_hostile_lines_take_linear_time(piece: str) -> None:
    """A line of 200 KB costs about as much as its windows do: quadratic time would be minutes."""
    assert list(file_signs("x.js", piece * (200_000 // len(piece)))) == []


def test_a_secret_far_into_a_bundle_is_found() -> None:
    text = "var a=function(e){return e};" * 5000 + 'c={password:"hunter22"};' + "x=1;" * 5000
    assert list(file_signs("bundle.js", text)) == [{"line": 1, "looks_like": "named"}]
