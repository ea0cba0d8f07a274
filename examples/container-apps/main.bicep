// az deployment group create --resource-group GROUP --template-file main.bicep --parameters environmentName=E image=I identityId=ID vault=https://NAME.vault.azure.net
param location string = resourceGroup().location
param environmentName string
param image string
@description('A user-assigned identity that may read the secrets of the vault')
param identityId string
param vault string

var secrets = [ 'cosmos-key', 'storage-connection', 'openai-api-key' ]

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' existing = {
  name: environmentName
}

resource api 'Microsoft.App/containerApps@2024-03-01' = {
  name: 'api'
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8000
      }
      secrets: [for name in secrets: {
        name: name
        keyVaultUrl: '${vault}/secrets/${name}'
        identity: identityId
      }]
    }
    template: {
      terminationGracePeriodSeconds: 40     // platform_grace in tinysup.conf
      containers: [
        {
          name: 'api'
          image: image
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: [for name in secrets: {
            name: toUpper(replace(name, '-', '_'))
            secretRef: name
          }]
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/startupz', port: 9180 }
              initialDelaySeconds: 1
              periodSeconds: 3
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: { path: '/livez', port: 9180 }
              periodSeconds: 10
              failureThreshold: 6
            }
            {
              type: 'Readiness'
              httpGet: { path: '/readyz', port: 9180 }
              periodSeconds: 5
              failureThreshold: 1
            }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: 3
      }
    }
  }
}
