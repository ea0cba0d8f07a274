// az deployment group create --resource-group GROUP --template-file main.bicep --parameters environmentName=E image=I redisHost=R webUrl=W teamWebhook=T pagerduty=P
param location string = resourceGroup().location
param environmentName string
param image string
param redisHost string
param webUrl string
@secure()
param teamWebhook string
@secure()
param pagerduty string
@description('An Azure Files storage of the environment')
param storageName string = 'state'

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' existing = {
  name: environmentName
}

resource ml 'Microsoft.App/containerApps@2024-03-01' = {
  name: 'ml-service'
  location: location
  properties: {
    environmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: false
        targetPort: 8000
      }
      secrets: [
        {
          name: 'team-webhook'
          value: teamWebhook
        }
        {
          name: 'pagerduty'
          value: pagerduty
        }
      ]
    }
    template: {
      terminationGracePeriodSeconds: 30     // the default; platform_grace in tinysup.conf
      containers: [
        {
          name: 'ml'
          image: image
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: [
            {
              name: 'REDIS_HOST'
              value: redisHost
            }
            {
              name: 'WEB_URL'
              value: webUrl
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
              volumeName: 'state'
              mountPath: '/app/state'
            }
            {
              volumeName: 'secrets'
              mountPath: '/run/secrets'
            }
          ]
        }
      ]
      scale: {
        minReplicas: 0
        maxReplicas: 3
        rules: [
          {
            name: 'requests'
            http: {
              metadata: {
                concurrentRequests: '20'
              }
            }
          }
        ]
      }
      volumes: [
        {
          name: 'state'
          storageType: 'AzureFile'
          storageName: storageName
        }
        {
          name: 'secrets'         // one file for each secret
          storageType: 'Secret'
        }
      ]
    }
  }
}
