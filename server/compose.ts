/**
 * The wiring: the only file that knows every part. It opens what the settings name, hands each part what it
 * stands on, and lists all routes and all background jobs. No decision is made here.
 */
import { statfs } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { exportDownloadRoute } from './api/export-download.ts'
import { managementRoutes } from './api/management.ts'
import { createRevocationStreams } from './api/revocation-streams.ts'
import { countEvents } from './audit/counted.ts'
import { mailGivenUp, mailSent } from './audit/events.ts'
import { createAuditBuffer } from './audit/log.ts'
import { createMemoryBus } from './bus/memory.ts'
import type { RedisLink } from './bus/redis.ts'
import { createClientKeys } from './clients/client-keys.ts'
import { createClientOrigins } from './clients/client-origins.ts'
import { createClients } from './clients/clients.ts'
import { createCookieScope } from './clients/cookie-scope.ts'
import { createResourceServers } from './clients/resource-servers.ts'
import { wantedAlgorithmsIn } from './clients/wanted-algorithms.ts'
import type { Settings } from './config/schema.ts'
import { embeddedRoutes } from './embedded/routes.ts'
import { passwordFactor } from './factors/password.ts'
import { createPasswordSignIn } from './factors/password-sign-in.ts'
import { createEgress } from './http/egress.ts'
import { healthRoutes } from './http/health.ts'
import { createPages } from './http/pages.ts'
import { createRateLimit } from './http/rate-limit.ts'
import { createHttp } from './http/server.ts'
import { createBrake } from './identity/brake.ts'
import { removePeopleOfRemovedConnections } from './identity/connection-removal.ts'
import { createConnections, REMOVED_CONNECTION_TOPIC } from './identity/connections.ts'
import { createFailureHolds } from './identity/failure-holds.ts'
import { createHashQueue } from './identity/hash-queue.ts'
import { createJobQueue, JOB_TOPIC } from './identity/jobs/queue.ts'
import type { Bus } from './kernel/bus.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import type { Counter } from './kernel/counter.ts'
import { OperatorError } from './kernel/errors.ts'
import { type Job, type Jobs, startJobs } from './kernel/jobs.ts'
import type { JsonObject, JsonValue } from './kernel/json.ts'
import type { Log } from './kernel/log.ts'
import type { Sealer } from './kernel/sealer.ts'
import { MINUTE, SECOND } from './kernel/seconds.ts'
import { createKeyring, type Keyring } from './keys/keyring.ts'
import { createSchedule } from './keys/schedule.ts'
import { createSealer } from './keys/sealer.ts'
import { type LoadedMasterKeys, loadMasterKeys, removeMasterKeys } from './keys/wrapping/local.ts'
import { errorPage, loginRoutes } from './login/routes.ts'
import type { LoginServices } from './login/services.ts'
import type { Metrics } from './metrics/metrics.ts'
import { MAIL_TOPIC } from './notify/letter.ts'
import { createMailer } from './notify/mailer.ts'
import type { Transport } from './notify/transport.ts'
import { authorizeRoutes } from './oauth/authorize.ts'
import { createSecretBrake } from './oauth/client-auth/secret-brake.ts'
import { discoveryRoutes } from './oauth/discovery.ts'
import type { Feature, OAuthServices } from './oauth/feature.ts'
import { features as allFeatures } from './oauth/features.ts'
import { createKeyUses } from './oauth/key-uses.ts'
import { tokenRoute } from './oauth/token.ts'
import type { OperatorServices } from './operations/operation.ts'
import { CLIENT_SECRET_RULE, STRANGER_ASSERTION_RULE, WAITING_REQUEST_RULE } from './policy/guessing.ts'
import { countMissed, readProcess, readShared } from './readings.ts'
import { createRevocationFeed } from './revocation/feed.ts'
import { createRevocationsHere } from './revocation/revocations-here.ts'
import { storeCounter } from './store/counters.ts'
import { makeDataFolder } from './store/data-folder.ts'
import { lockDatabase } from './store/lock.ts'
import { openPostgres, reach } from './store/postgres.ts'
import { openPostgresBus } from './store/postgres-notify.ts'
import { openSqlite } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import type { Applied } from './tenant-file/apply.ts'
import { DEFAULT_TENANT, prepareFirstStart } from './tenant-file/first-start.ts'
import { createTenants } from './tenants/tenants.ts'
import type { CertificateKeeper } from './tls/keeper.ts'
import { TLS_OPTIONS } from './tls/protocol.ts'
import { createLeftOutNotes } from './tokens/left-out-claims.ts'
import { createSubjects } from './tokens/subject.ts'

export interface Latchkey {
  readonly settings: Settings
  readonly store: Store
  readonly keyring: Keyring
  /** Not listening until `listen`: `http.inject` needs no port. */
  readonly http: FastifyInstance
  /** Answers the port, chosen by the system when the settings say 0. */
  listen(): Promise<number>
  /** Null where nobody asked for them. */
  readonly metrics: Metrics | null
  /** What clients have to trust where the certificate is of the private authority; null elsewhere. */
  readonly caFile: string | null
  /** Applies the tenant file at that path to the default tenant. */
  apply(file: string): Promise<Applied>
  /** What `operations/` lists, by its name. Throws `OperatorError` for what the operator can mend. */
  operate(operation: string, given: JsonObject): Promise<JsonValue>
  /** Presents another certificate to connections from now on, if there is one. Nothing without TLS. */
  lookForCertificate(): void
  /** Says at `/readyz` that it closes, and goes on answering for as long as the settings say. */
  drain(): Promise<void>
  /** Finishes what is in flight, writes what waits, and lets go of everything. */
  close(): Promise<void>
}

export interface Overrides {
  readonly clock?: Clock
  readonly features?: readonly Feature[]
  /** False for a command that works beside servers: where the default tenant answers is theirs to say. */
  readonly isServer?: boolean
  /** In the place of the DNS. */
  readonly findDnsTexts?: (name: string) => Promise<readonly string[]>
  /** In the place of the disk that the database lies on: how many bytes are left on it. */
  readonly findRoom?: () => Promise<number | null>
  /** True for one of several processes on a port, beside the one that does what is to be done once. */
  readonly isWorker?: boolean
  /** Told a password that was made for the first administrator; by default nobody is. */
  readonly tell?: (administrator: { email: string; password: string }) => void
  /** Milliseconds that requests in flight have to finish once the server closes. */
  readonly closeGrace?: number
}

/** The slowest answer waits 2 s for its turn to hash and a few for the database. */
const CLOSE_GRACE = 5 * SECOND

/** Everything opened and wired, the first start done and the tenant file applied. Throws `OperatorError` for what the operator can mend. */
export async function compose(settings: Settings, log: Log, overrides: Overrides = {}): Promise<Latchkey> {
  const { clock = systemClock, features = allFeatures, tell = () => {}, closeGrace = CLOSE_GRACE } = overrides
  const { isServer = true, isWorker = false } = overrides
  const storage = await openStorage(settings, log)
  try {
    const { bus, counter, sealer, masterKeys } = storage
    const metrics = isServer ? await openMetrics(settings) : null
    const meter = metrics?.meter
    const store = meter ? countEvents(storage.store, meter) : storage.store
    const keyring = createKeyring({ store, sealer, clock, bus, log, wanted: wantedAlgorithmsIn(store) })
    const audit = createAuditBuffer(store.events, log)
    const clients = createClients({ store, sealer, bus, clock })
    const hashQueue = createHashQueue(meter)
    const shared = {
      store,
      clients,
      clock,
      resourceServers: createResourceServers({ store, bus, clock }),
      tenants: createTenants({ store, bus, clock }),
      connections: createConnections({ store, sealer, bus, clock }),
      cookieScope: createCookieScope({ store, bus, clock }),
    }
    const egress = createEgress({ allow: settings.egressAllow })
    const waitingRequests = createRateLimit(WAITING_REQUEST_RULE)
    const brake = createBrake({
      store,
      counter,
      limitsOf: async tenant => (await shared.tenants.find(tenant)).guessing,
    })
    const password = passwordFactor({ store, queue: hashQueue, holds: createFailureHolds({ store, bus, clock }) })
    const signInWithPassword = createPasswordSignIn({ store, password, brake, audit })
    const mailedSignIn = async () =>
      (await import('./factors/mailed-sign-in.ts')).createMailedSignIn({ store, keyring, brake, audit, clock })
    const oauth: OAuthServices = {
      ...shared,
      log,
      keyring,
      revocations: createRevocationsHere({ store, bus, clock }),
      subjects: createSubjects({ keyring, store }),
      noteLeftOut: createLeftOutNotes(log, meter),
      keyUses: createKeyUses({ store, clock, log }),
      audit,
      egress,
      clientKeys: createClientKeys({ egress, clock, log }),
      signInWithPassword,
      mailedSignIn,
      secretBrake: createSecretBrake(createRateLimit(CLIENT_SECRET_RULE), counter),
      strangerAssertions: createRateLimit(STRANGER_ASSERTION_RULE),
      waitingRequests,
      ...(meter && { meter }),
    }
    const feed = createRevocationFeed({ store, bus, log })
    const imports = { largest: settings.largestImport, roomLeft: overrides.findRoom ?? (() => roomLeft(settings)) }
    const findDnsTexts =
      overrides.findDnsTexts ?? (async name => (await import('./http/dns-texts.ts')).findDnsTexts(name))
    const management = { ...oauth, feed, bus, hashQueue, brake, counter, sealer, findDnsTexts, imports }
    const revocationStreams = createRevocationStreams(management)
    const login: LoginServices = {
      ...shared,
      audit,
      hashQueue,
      brake,
      counter,
      password,
      signInWithPassword,
      mailedSignIn,
      waitingRequests,
      pages: createPages({ templates: folder('./login/pages'), assets: folder('./login/assets') }),
    }

    // Before anything else is written: the proof that the master key at hand is the one that sealed this database.
    await proveMasterKey(keyring, masterKeys, settings)
    if (!isWorker) await prepareFirstStart({ store, clock, ...settings, isServer, tell })

    const certificate = isServer ? await openCertificate(settings, shared.tenants.everyHost, clock, log) : null
    let isClosing = false
    const { app: http, present } = createHttp({
      routes: [
        ...healthRoutes({ ping: store.ping, isClosing: () => isClosing, clock, log }),
        ...discoveryRoutes(oauth, features),
        ...authorizeRoutes(oauth, features),
        tokenRoute(oauth, features),
        ...features.flatMap(feature => feature.routes?.(oauth, features) ?? []),
        ...loginRoutes(login),
        ...embeddedRoutes(login),
        revocationStreams.route,
        ...managementRoutes(management, settings.managementCalls),
        exportDownloadRoute({ store, clock }),
      ],
      findHost: host => shared.tenants.findHost(host),
      isClientOrigin: createClientOrigins({ store, bus, clock }),
      errorPage: errorPage(login),
      trustedProxies: settings.trustedProxies,
      tls: certificate && { ...TLS_OPTIONS, ...certificate.first },
      meter,
      log,
    })

    const operators: OperatorServices = {
      store,
      clients,
      connections: shared.connections,
      keyring,
      hashQueue,
      clock,
      rewrap: async () => (await import('./keys/rewrap.ts')).rewrap({ store, sealer, masterKeys, clock, log }),
    }
    const operate = async (operation: string, given: JsonObject) =>
      (await import('./operations/operations.ts')).carryOut(operators, operation, given)
    const apply = async (file: string) => {
      const { applyTenantFile } = await import('./tenant-file/apply.ts')
      const { readTenantFile } = await import('./tenant-file/read.ts')
      return applyTenantFile(operators, DEFAULT_TENANT, readTenantFile(file))
    }
    const mailer = createMailer({
      store,
      clock,
      log,
      from: settings.mailFrom,
      openTransport: () => openTransport(settings, log),
      findSender: shared.tenants.find,
      openTenantMail: async () =>
        (await import('./notify/tenant-mail.ts')).createTenantMail({
          store,
          clock,
          log,
          addressesOf: egress.addressesOf,
        }),
      events: { sent: mailSent, givenUp: mailGivenUp },
    })
    const mail = { name: 'mail', run: mailer.run }
    // A command may have been given no mail server, and what it promises is found by those who were.
    const tls = certificate && { name: 'certificate', run: () => certificate.look(present) }
    const doesJobs = isServer && !isWorker
    const work = doesJobs ? features.flatMap(feature => feature.work?.(oauth, job => jobs.wake(job)) ?? []) : []
    for (const { prepare } of work) await prepare?.()
    const userJobs = doesJobs ? [{ job: createJobQueue({ store, clock, log }), wokenBy: JOB_TOPIC }] : []
    const served = doesJobs ? [mail, ...[...work, ...userJobs].map(({ job }) => job)] : []
    const kept = isWorker ? [] : jobList(settings, { store, sealer, clock, log })
    const once = isWorker ? [] : [...served, ...kept.map(({ job }) => job)]
    const jobs: Jobs = startJobs([...(tls ? [tls] : []), ...once], clock, log, meter)
    const wakeMailer = () => jobs.wake(mail)
    if (doesJobs) bus.subscribe(MAIL_TOPIC, { heard: wakeMailer, missed: wakeMailer })
    for (const { job, wokenBy } of [...work, ...userJobs, ...kept]) {
      if (wokenBy === undefined) continue
      const wake = () => jobs.wake(job)
      bus.subscribe(wokenBy, { heard: wake, missed: wake })
    }
    const lookForCertificate = () => void (tls && jobs.wake(tls))
    bus.subscribe('host', { heard: lookForCertificate, missed: lookForCertificate })

    if (metrics) {
      const missed = countMissed(bus)
      metrics.read(async () =>
        readProcess({ hashQueue, audit, store, revocations: oauth.revocations, streams: revocationStreams, missed }),
      )
      if (!isWorker) metrics.read(() => readShared({ store, keyring, clock, tenant: DEFAULT_TENANT }))
    }

    return {
      settings,
      store,
      metrics,
      keyring,
      http,
      caFile: certificate?.caFile ?? null,
      apply,
      operate,
      lookForCertificate,
      async listen() {
        await http.listen({ port: settings.port, host: settings.host })
        return (http.server.address() as AddressInfo).port
      },
      async drain() {
        isClosing = true
        await pause(settings.drain)
      },
      async close() {
        isClosing = true
        revocationStreams.stop()
        // Whoever sends half a request and waits would hold the process, and with it the lock on the data.
        const force = setTimeout(() => http.server.closeAllConnections(), closeGrace)
        await http.close()
        clearTimeout(force)
        mailer.stop()
        await jobs.stop()
        for (const { stop } of work) await stop?.()
        await audit.flush()
        await oauth.keyUses.flush()
        await storage.close()
      },
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}

/** Loaded by those alone who ask for metrics. */
async function openMetrics({ metricsPort }: Settings): Promise<Metrics | null> {
  return metricsPort === null ? null : (await import('./metrics/metrics.ts')).createMetrics()
}

/** Null where this server speaks plain HTTP. */
async function openCertificate(
  { tls, tlsCert, tlsKey, dataFolder }: Settings,
  hosts: () => Promise<readonly string[]>,
  clock: Clock,
  log: Log,
): Promise<CertificateKeeper | null> {
  if (tls === 'off') return null
  const files = tlsCert === null || tlsKey === null ? null : { cert: tlsCert, key: tlsKey }
  const { keepCertificate } = await import('./tls/keeper.ts')
  return keepCertificate({ files, dataFolder, hosts, clock, log })
}

/** In bytes, where an embedded database lies. */
async function roomLeft({ databaseUrl, dataFolder }: Settings): Promise<number | null> {
  if (databaseUrl !== null) return null
  const { bavail, bsize } = await statfs(dataFolder)
  return bavail * bsize
}

/** Loaded at the first mail. */
async function openTransport({ smtp, dataFolder }: Settings, log: Log): Promise<Transport> {
  if (smtp) return (await import('./notify/smtp.ts')).smtpTransport(smtp)
  return (await import('./notify/outbox.ts')).outbox(join(dataFolder, 'outbox'), log)
}

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** At once, so that a purge never holds up anybody. */
const PURGED_AT_ONCE = 500

interface JobServices {
  readonly store: Store
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: Log
}

interface Purge {
  readonly name: string
  /** At most so many; answers how many. */
  readonly remove: (now: number, limit: number) => Promise<number>
  /** The bus's topic that says that there is something. */
  readonly wokenBy?: string
}

/** Every table whose rows end has its purge here. */
export const purgesOf = (store: Store, { eventRetention }: Pick<Settings, 'eventRetention'>): readonly Purge[] => [
  { name: 'tickets', remove: store.tickets.purge },
  // First of those that take what it says is over.
  { name: 'removals', remove: store.removals.purge },
  { name: 'organizations', remove: store.organizations.purge },
  { name: 'invitations', remove: store.invitations.purge },
  { name: 'sessions', remove: store.sessions.purge },
  { name: 'authorizations', remove: store.authorizations.purge },
  { name: 'API keys', remove: store.apiKeys.purge },
  { name: 'session clients', remove: store.sessionClients.purge },
  { name: 'revocations', remove: store.revocations.purge },
  { name: 'ended tokens', remove: store.endedTokens.purge },
  ...(eventRetention === null
    ? []
    : [{ name: 'events', remove: (now: number, limit: number) => store.events.purge(now - eventRetention, limit) }]),
  { name: 'counters', remove: store.counters.purge },
  { name: 'devices', remove: store.devices.purge },
  { name: 'jobs', remove: store.jobs.purge },
  {
    name: 'people of removed connections',
    remove: (now, limit) => removePeopleOfRemovedConnections(store, now, limit),
    wokenBy: REMOVED_CONNECTION_TOPIC,
  },
]

interface KeptJob {
  readonly job: Job
  readonly wokenBy?: string | undefined
}

function jobList(settings: Settings, { store, sealer, clock, log }: JobServices): readonly KeptJob[] {
  const purge = ({ name, remove, wokenBy }: Purge): KeptJob => ({
    job: {
      name: `purge ${name}`,
      run: async () => {
        const removed = await remove(clock(), PURGED_AT_ONCE)
        return removed < PURGED_AT_ONCE ? clock() + 10 * MINUTE : clock()
      },
    },
    wokenBy,
  })
  const schedule = createSchedule({ store, sealer, clock, log, wanted: wantedAlgorithmsIn(store) })
  return [{ job: { name: 'key schedule', run: schedule.run } }, ...purgesOf(store, settings).map(purge)]
}

/**
 * The first signing key is the first thing ever sealed: of servers that made a master key each, over one new database,
 * the one whose signing key it is was first, and the others have made theirs for nothing. The keyring says which key
 * does not open and why; which file that is about, the settings.
 */
async function proveMasterKey(
  keyring: Keyring,
  masterKeys: LoadedMasterKeys,
  { masterKeyFile }: Settings,
): Promise<void> {
  try {
    await keyring.signer(DEFAULT_TENANT, 'RS256')
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    if (masterKeys.wasMade) {
      removeMasterKeys(masterKeyFile, masterKeys)
      throw new OperatorError(
        `Another server was the first over this database, which is sealed under its master keys now. Copy its master key file to ${masterKeyFile} and start again.`,
        { cause: error },
      )
    }
    throw new OperatorError(`${error.message} The file is ${masterKeyFile}.`, { cause: error })
  }
}

interface Storage {
  readonly store: Store
  readonly bus: Bus
  readonly counter: Counter
  readonly sealer: Sealer
  readonly masterKeys: LoadedMasterKeys
  close(): Promise<void>
}

/** A master key is made only for a database in which nothing was ever sealed. */
async function openStorage(settings: Settings, log: Log): Promise<Storage> {
  makeDataFolder(settings.dataFolder)
  const { databaseUrl } = settings
  const lock = databaseUrl === null ? lockDatabase(settings.dataFolder) : undefined
  let redis: RedisLink | undefined
  let bus: Bus | undefined
  let store: Store | undefined
  const close = async () => {
    await store?.close()
    await bus?.close()
    lock?.release()
  }
  try {
    let opened: Sealer | undefined
    const sealer: Sealer = {
      seal: (context, plaintext) => present(opened).seal(context, plaintext),
      open: (context, sealed) => present(opened).open(context, sealed),
    }
    if (settings.redisUrl !== null) redis = await (await import('./bus/redis.ts')).openRedis(settings.redisUrl, log)
    bus = redis?.bus ?? (await openBus(databaseUrl))
    const options = { sealer, bus }
    store =
      databaseUrl === null
        ? await openSqlite(`${settings.dataFolder}/latchkey.db`, {
            ...options,
            synchronous: settings.sqliteSynchronous,
          })
        : await openPostgres(databaseUrl, options)
    const isNew = (await store.keys.list(DEFAULT_TENANT)).length === 0
    const masterKeys = loadMasterKeys(settings.masterKeyFile, { create: isNew })
    opened = createSealer(masterKeys)
    const counter = redis ? redis.counterOr(storeCounter(store)) : storeCounter(store)
    return { store, bus, counter, sealer, masterKeys, close }
  } catch (error) {
    await close()
    throw error
  }
}

const openBus = async (databaseUrl: string | null): Promise<Bus> =>
  databaseUrl === null ? createMemoryBus() : reach(databaseUrl, () => openPostgresBus(databaseUrl))

function present(sealer: Sealer | undefined): Sealer {
  if (!sealer) throw new Error('Nothing is sealed before the master keys are read')
  return sealer
}
