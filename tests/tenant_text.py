"""The least of a tenant's file that tests change."""

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: アオゾラ}
contract: {start: 2026-04-01}
scopes:
  - {aws: "123456789012", regions: [ap-northeast-1]}
channels:
  - {name: terminal, type: console}
"""
