/** Back-channel logout: clients that took part in a session are told of its end, from server to server. */
import { createDeliverer } from '../back-channel/deliver.ts'
import { createTeller, DELIVERIES_TOPIC } from '../back-channel/tell.ts'
import type { Feature } from '../feature.ts'
import { noteSessionClient } from '../session-clients.ts'

export const backchannelLogout: Feature = {
  name: 'backchannel-logout',
  spec: 'OpenID Connect Back-Channel Logout 1.0',
  metadata: () => ({ backchannel_logout_supported: true, backchannel_logout_session_supported: true }),
  steps: {
    'authorize.respond': async context => {
      if (context.client.backChannelLogout) await noteSessionClient(context, 'back')
    },
  },
  work: (services, wake) => {
    const teller = createTeller(services)
    const telling = { name: 'back-channel logout', run: teller.run }
    const deliverer = createDeliverer(services, () => wake(delivering))
    const delivering = { name: 'back-channel logout deliveries', run: deliverer.run }
    return [
      { job: telling, wokenBy: 'revocation', prepare: teller.prepare },
      { job: delivering, wokenBy: DELIVERIES_TOPIC, stop: deliverer.stop },
    ]
  },
}
