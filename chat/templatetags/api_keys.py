"""`{% if user|may_have_keys %}`: whether to lead a user or visitor to the page of API keys."""

from django import template

from chat.accounts.api_keys import may_have_keys

register = template.Library()
register.filter(may_have_keys)
