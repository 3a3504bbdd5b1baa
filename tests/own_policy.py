"""A customer's own policy, as text."""

FORM = """
id: {id}
kind: aws.s3.bucket
severity: low
title: {{en: The bucket's name <b>breaks</b> the rule, ja: バケット名が<b>命名規則</b>に反している}}
risk: {{en: Nobody knows whose it is., ja: 管理部門が分からない。}}
fix: {{en: Name it by the rule., ja: 命名規則に従う。}}
effort_hours: 0.5
pass: {pass_}
cases:
  pass: [{{r: {{Name: aozora-1}}}}]
  fail: [{{r: {{Name: aozora-bakery-1}}}}]
"""
