// az deployment group create --resource-group GROUP --template-file main.bicep --parameters environmentName=ENVIRONMENT image=IMAGE openAi=URL
param location string = resourceGroup().location
param environmentName string
param image string
param openAi string
@description('An Azure Files storage of the environment')
param storageName string = 'data'

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' existing = {
  name: environmentName
}

resource backend 'Microsoft.App/containerApps@2024-03-01' = {
  name: 'crypto-backend'
  location: location
  properties: {
    environmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8000
      }
    }
    template: {
      // platform_grace in tinysup.conf; the default of 30 s is not enough for a deadline of 28 s
      terminationGracePeriodSeconds: 35
      containers: [
        {
          name: 'backend'
          image: image
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: [
            {
              name: 'AZURE_OPENAI_ENDPOINT'
              value: openAi
            }
          ]
          // tinysup answers from what it knows: it has applied thresholds already
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
              // tinysup restarts the app: time for its stop step and its back-off
              failureThreshold: 6
            }
            {
              type: 'Readiness'
              httpGet: { path: '/readyz', port: 9180 }
              periodSeconds: 5
              failureThreshold: 1
            }
          ]
          volumeMounts: [
            {
              volumeName: 'data'
              mountPath: '/app/data'
            }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: 3
      }
      volumes: [
        {
          name: 'data'
          storageType: 'AzureFile'
          storageName: storageName
        }
      ]
    }
  }
}
