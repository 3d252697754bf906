/** Front-channel logout: clients that took part in a session end theirs when the page that signs out loads what they registered. */
import type { Feature } from '../feature.ts'
import { noteSessionClient } from '../session-clients.ts'

export const frontchannelLogout: Feature = {
  name: 'frontchannel-logout',
  spec: 'OpenID Connect Front-Channel Logout 1.0',
  metadata: () => ({ frontchannel_logout_supported: true, frontchannel_logout_session_supported: true }),
  steps: {
    'authorize.respond': async context => {
      if (context.client.frontChannelLogout !== null) await noteSessionClient(context, 'front')
    },
  },
}
