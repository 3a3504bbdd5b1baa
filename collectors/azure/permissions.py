"""The custom role that lets us see a customer's subscriptions, made from the types."""

from collections.abc import Iterable
from typing import Any

from collectors.azure.resource_types import ResourceType

ROLE_NAME = "Hinomi Read"
_DESCRIPTION = "Lets Hinomi read configurations; no data, no secrets, no changes."
# What entering a subscription and asking Resource Graph take (clouds/azure/login.py, clouds/azure/read.py).
_ALWAYS = (
    "Microsoft.Authorization/permissions/read",
    "Microsoft.ResourceGraph/resources/read",
    "Microsoft.Resources/subscriptions/read",
)
_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"  # Azure's built-in role Reader has this id everywhere


def actions(types: Iterable[ResourceType]) -> list[str]:
    """Return every permission of Resource Manager that reading these types takes, sorted."""
    found = set(_ALWAYS)
    for type_ in types:
        if not type_.of_directory:
            asked = [detail for detail in type_.form.details.values() if not detail.of_graph]
            found |= {type_.action, *(type_.action_of(detail) for detail in asked)}
    return sorted(found)


def graph_permissions(types: Iterable[ResourceType]) -> list[str]:
    """Return every application permission of Microsoft Graph that reading these types takes, sorted."""
    found: set[str] = set()
    for type_ in types:
        details = [detail for detail in type_.form.details.values() if detail.of_graph]
        found |= {type_.action_of(detail) for detail in details} | ({type_.action} if type_.of_directory else set())
    return sorted(found)


def role(types: Iterable[ResourceType]) -> dict[str, Any]:
    """Return the role as `az role definition create --role-definition` takes it."""
    return {
        "Name": ROLE_NAME,
        "IsCustom": True,
        "Description": _DESCRIPTION,
        "Actions": actions(types),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION-ID"],
    }


def bicep(types: Iterable[ResourceType]) -> str:
    """Return a Bicep file for a subscription: the role, and its assignment to our service principal."""
    listed = "\n".join(f"          '{action}'" for action in actions(types))
    return f"""targetScope = 'subscription'

@description('Object id of the service principal that reads, in this directory')
param principalId string

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {{
  name: guid(subscription().id, 'hinomi-read')
  properties: {{
    roleName: '{ROLE_NAME}'
    description: '{_DESCRIPTION}'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {{
        actions: [
{listed}
        ]
        notActions: []
      }}
    ]
  }}
}}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{
  name: guid(subscription().id, principalId, 'hinomi-read')
  properties: {{
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role.id
  }}
}}
"""


def lighthouse() -> dict[str, Any]:
    """Return an ARM template that delegates a subscription to our directory through Azure Lighthouse.

    Lighthouse takes built-in roles only: it is Reader, which may read more than our own role does.
    """
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-08-01/subscriptionDeploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "managedByTenantId": {"type": "string", "metadata": {"description": "Hinomi's directory"}},
            "principalId": {"type": "string", "metadata": {"description": "Object id of the group that reads, there"}},
        },
        "variables": {
            "registration": "[guid('hinomi-read', subscription().id)]",
            "assignment": "[guid('hinomi-read-assignment', subscription().id)]",
        },
        "resources": [
            {
                "type": "Microsoft.ManagedServices/registrationDefinitions",
                "apiVersion": "2022-10-01",
                "name": "[variables('registration')]",
                "properties": {
                    "registrationDefinitionName": "Hinomi",
                    "description": _DESCRIPTION,
                    "managedByTenantId": "[parameters('managedByTenantId')]",
                    "authorizations": [
                        {
                            "principalId": "[parameters('principalId')]",
                            "principalIdDisplayName": "Hinomi",
                            "roleDefinitionId": _READER,
                        }
                    ],
                },
            },
            {
                "type": "Microsoft.ManagedServices/registrationAssignments",
                "apiVersion": "2022-10-01",
                "name": "[variables('assignment')]",
                "dependsOn": [
                    "[resourceId('Microsoft.ManagedServices/registrationDefinitions', variables('registration'))]"
                ],
                "properties": {
                    "registrationDefinitionId": (
                        "[resourceId('Microsoft.ManagedServices/registrationDefinitions', variables('registration'))]"
                    )
                },
            },
        ],
    }
