"""Secrets in the files of programs: found where they stand, and not wherever a telling name does."""

import pytest

from collectors.program_signs import file_signs, is_looked_at

# Most are after what Sonar's rule S2068 (hard-coded credentials) shows as sensitive, in other languages too; the keys
# are documentation's examples.
SECRETS = [
    ("Db.java", 'String password = "blue";', "named"),
    ("Db.java", 'conn = DriverManager.getConnection("jdbc:mysql://localhost/test?user=steve&password=blue");', "named"),
    ("Db.java", 'dataSource.setPassword("blue1");', "named"),
    ("Db.java", 'props.put("x", 1); config.password("blue1").build();', "named"),
    ("db.js", "const connection = mysql.createConnection({user: 'root', password: 'secret-1'});", "named"),
    ("db.js", 'const dbPassword = process.env.DB_PASSWORD || "hunter22"', "named"),
    ("db.ts", "private readonly apiSecret: string = `a1b2c3d4e5`;", "named"),
    ("db.mjs", 'const s = "Server=db;Database=shop;User Id=sa;Password=Zaq12wsx;Encrypt=True"', "named"),
    ("db.py", 'db_password = "bL4ck-tea"', "named"),
    ("db.py", 'connect(host="db", user="shop", passwd="hunter22")', "named"),
    ("db.py", 'password: str = "hunter22"', "named"),
    ("db.py", 'PASSWORD = os.getenv("DB_PASSWORD", "hunter22")', "named"),
    ("db.py", 'os.environ.get("DB_PASSWORD") or "hunter22"', "named"),
    ("db.py", 'settings["client_secret"] = "9f86d081884c7d65"', "named"),
    ("db.py", 'access_token = "dG9rZW4tZm9yLXNob3A3"', "named"),
    ("db.py", 'password = "MyPassword123"', "named"),
    ("db.rb", ":password => 'hunter22',", "named"),
    ("db.rb", "ENV.fetch('DB_PASSWORD', 'hunter22')", "named"),
    ("db.php", "$password = 'hunter22';", "named"),
    ("Db.cs", 'var password = @"hunter22";', "named"),
    ("db.go", 'password := "hunter22"', "named"),
    ("db.go", 'db, err := sql.Open("postgres", "postgres://shop:hunter2@db/shop")', "Basic Auth Credentials"),
    ("pay.js", "const stripe = require('stripe')('sk_" + "live_" + "a1B2" * 6 + "');", "Stripe Access Key"),
    ("s3.py", 'client("s3", "AKIAIOSFODNN7EXAMPLE")', "AWS Access Key"),
    ("db.py", 'node_password = "hunter22"', "named"),
    ("db.py", 'if debug: password = "hunter22"', "named"),
    ("db.py", 'connect(password=("hunter22"))', "named"),
    ("db.py", 'password = """hunter22"""', "named"),
    ("db.py", 'headers = {"X-API-Key": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}', "named"),
    ("db.py", 'ENCRYPTION_KEY = "k3J9x/Qm27Lp0sVb8RtY"', "named"),
    ("db.js", 'switch (x) { case A: password = "hunter22"; break; }', "named"),
    ("db.ts", 'login({password?: string = "hunter22"})', "named"),
    ("db.go", 'var password string = "hunter22"', "named"),
    ("db.go", 'os.Setenv("DB_PASSWORD", "hunter22")', "named"),
    ("db.go", 'dsn := "root:hunter22@tcp(db:3306)/shop"', "Basic Auth Credentials"),
    ("Db.java", 'props.setProperty("db.password", "hunter22");', "named"),
    ("Db.cs", 'public string Password { get; set; } = "hunter22";', "named"),
    ("Db.cs", 'var p = Environment.GetEnvironmentVariable("DB_PASSWORD") ?? "hunter22";', "named"),
    ("db.ps1", '$env:DB_PASSWORD = "hunter22"', "named"),
    ("db.php", "define('DB_PASSWORD', 'hunter22');", "named"),
    ("db.php", "$password = getenv('DB_PASSWORD') ?: 'hunter-two';", "named"),
    ("database.php", "'password' => env('DB_PASSWORD', 'hunter22'),", "named"),
    ("db.rb", "password = ENV['DB_PASSWORD'] || 'hunter22'", "named"),
    ("db.py", 'url = "postgres://app:pass1234@db/x"', "Basic Auth Credentials"),
    ("config.json", '[{"name": "DB_PASSWORD", "value": "hunter22"}]', "named"),
    ("web.config", '<add key="DbPassword" value="hunter22" />', "named"),
    ("run.sh", "mysql -u root -phunter22 shop", "Password Argument"),
    ("run.sh", "curl -u admin:hunter22 https://shop.example.com", "Basic Auth Credentials"),
    ("app.ini", "password=hunter22  ; 本番環境", "named"),
    (".netrc", "machine shop.example.com login bot password hunter22", "named"),
    ("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----", "Private Key"),
    ("key.txt", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n\n" + "lQOYBGAA" * 8, "Private Key"),
    ("key.py", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n" + "MIIEpAIB" * 8, "Private Key"),
    ("key.json", '"private_key": "-----BEGIN PRIVATE KEY-----\\r\\n' + "MIIEpAIB" * 8 + '"', "Private Key"),
    ("tls.key", "-----BEGIN PRIVATE KEY-----", "Private Key"),
    (".git-credentials", "https://bot:hunter22@git.example.com", "Basic Auth Credentials"),
    (".pypirc", "password = hunter22", "named"),
    ("credentials", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "named"),
    ("run.sh", "curl -u admin:hunter22 shop.example.com", "Basic Auth Credentials"),
    ("run.sh", "docker login -u bot -p hunter22 registry.example.com", "Password Argument"),
    ("db.py", 'pw = "hunter22"', "named"),
    ("db.py", 'db_pwd = "hunter22"', "named"),
    ("db.py", 'contrasena = "hunter22"', "named"),
    ("db.py", 'slack_auth = "dG9rZW4tZm9yLXNob3A3"', "named"),
    ("db.py", 'credential = "dG9rZW4tZm9yLXNob3A3"', "named"),
    ("config.json", '{"db": {"password": "hunter22"}}', "named"),
    ("app.properties", "webapp.ldap.password=secretPassword", "named"),
    ("web.config", '<add connectionString="connectDB=uDB; uid=db2admin; pwd=db2pass1; dbalias=uDB;" />', "named"),
    (".env.production", "DB_PASSWORD=hunter22", "named"),
    (".npmrc", "//registry.example.com/:_authToken=npm_" + "a1B2" * 9, "NPM tokens"),
    ("server.pem", "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIB" * 8, "Private Key"),
    ("key.js", 'const k = "-----BEGIN PRIVATE KEY-----\\n' + "MIIEpAIB" * 8 + '"', "Private Key"),
]  # fmt: skip

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
def test_secrets_are_told_by_their_line_and_kind(name: str, text: str, kind: str) -> None:
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
