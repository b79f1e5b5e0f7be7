package game;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A game's backend for Jogos and Playgama on the JDK alone. Copy it: this folder is the whole of it.
 *
 * It reads JOGOS_WEB_URL, JOGOS_API_URL, JOGOS_GAME_ID, JOGOS_SHARED_KEY, PLAYGAMA_URL, PORT (0 = any free one) and
 * JOURNAL_FILE (by default a temporary file that is removed at the end).
 */
public final class Main {
    private final Store store;
    private final JogosUser users;
    private final JogosApi api;
    private final Outbox outbox;
    private final Playgama playgama;
    private final Settings settings;
    private final Sessions sessions;

    private Main(Settings settings, Store store) {
        var http = new HttpOut();
        this.settings = settings;
        this.store = store;
        this.sessions = new Sessions(store);
        this.users = new JogosUser(settings.jogos(), http);
        this.api = new JogosApi(settings.jogos(), http);
        this.outbox = new Outbox(store, api);
        this.playgama = settings.playgama() == null ? null : new Playgama(settings.playgama(), http, store);
    }

    public static void main(String[] arguments) {
        // the JDK's server waits 40 ms between head and body of an answer unless told otherwise; its client would try
        // connections that the portal closed long ago
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("jdk.httpclient.keepalive.timeout", "5");
        try {
            var settings = Settings.read(System.getenv());
            var main = new Main(settings, openStore(settings.journalFile()));
            System.out.println("http://127.0.0.1:" + main.routes().start(settings.port()));
            main.outbox.wake(); // what was granted before a crash and not yet reported
        } catch (Settings.Invalid | IOException | RuntimeException error) {
            System.err.println("cannot start: " + error.getMessage());
            System.exit(2);
        }
    }

    private static Store openStore(String journalFile) throws IOException {
        if (journalFile != null) {
            return new Store(Path.of(journalFile));
        }
        var folder = Files.createTempDirectory("java-backend-");
        var file = folder.resolve("journal.jsonl");
        var store = new Store(file);
        // no clean-up beyond this is needed at the end: everything that was answered is on the disk
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                store.close();
                Files.deleteIfExists(file);
                Files.deleteIfExists(folder);
            } catch (IOException error) {
                System.err.println("a temporary file stays behind: " + file);
            }
        }));
        return store;
    }

    private Web routes() {
        var web = new Web();
        web.add("GET", "/health", request -> Reply.of(200, "ok", true));
        web.add("POST", "/login/jogos", this::logIn);
        web.add("POST", "/jogos/notify", this::notified);
        if (playgama != null) {
            web.add("POST", "/playgama/intents", this::mintIntent);
            web.add("POST", "/playgama/purchase", this::purchase);
        }
        // for `coinslot check`; keep them out of reach of players, and run the sync from a timer instead
        web.add("GET", "/test/inventory", this::inventory);
        web.add("POST", "/test/jogos/sync", request -> Reply.of(200, "orders", sync()));
        return web;
    }

    private Reply logIn(Web.Request request) {
        Object token = members(request).get("token"); // and nothing else that the client may send along
        try {
            String userId = users.verify(token);
            return Reply.of(200, "user", Map.of("id", userId), "session", sessions.open(userId));
        } catch (Refused error) {
            return Reply.of(401, "error", error.code);
        }
    }

    /** Check, grant or revoke, and only then say so; tell the portal what was delivered after the answer. */
    private Reply notified(Web.Request request) {
        try {
            var notice = JogosNotice.read(request.authorizations(), request.body(), settings.jogos());
            var order = new Store.Order("jogos", notice.orderId());
            if (notice.refunded()) {
                store.revoke(order);
            } else if (notice.isPay()) {
                checkProduct(Settings.JOGOS_PRODUCTS.contains(notice.productId()));
                store.grant(order, new Store.Grant(notice.userId(), notice.productId(), null), false);
            }
            return JogosNotice.accepted().then(outbox::wake);
        } catch (RuntimeException error) {
            System.err.println("notification: " + error.getMessage());
            return JogosNotice.replyFor(error);
        }
    }

    /** Not acknowledged, so the portal asks again and lists the order until somebody puts the product on sale. */
    private static void checkProduct(boolean isSold) {
        if (!isSold) {
            throw new Refused("product-unknown", "we sell no such product");
        }
    }

    /** Makes up for every notification that was lost: grants, revokes or reports again what the portal lists. */
    private int sync() {
        long listedAtMs = System.currentTimeMillis();
        try {
            int count = api.listOrders(listed -> settle(listed, listedAtMs));
            if (playgama != null) {
                playgama.checkAgain();
            }
            return count;
        } finally {
            outbox.wake(); // also for what was found before the portal stopped answering
        }
    }

    private void settle(JogosApi.ListedOrder listed, long listedAtMs) {
        var order = new Store.Order("jogos", listed.orderId());
        var grant = new Store.Grant(listed.userId(), listed.productId(), null);
        if (listed.refunded()) {
            store.revoke(order);
        } else if (!Settings.JOGOS_PRODUCTS.contains(listed.productId())) {
            System.err.printf("getOrders: order %s is of a product that we do not sell%n", listed.orderId());
        } else if (store.grant(order, grant, listed.arrived()) == Store.Granted.BEFORE && !listed.arrived()) {
            store.reopen(order, listedAtMs);
        }
    }

    /** Before the client opens a purchase: the externalId that it must pass to the portal. */
    private Reply mintIntent(Web.Request request) {
        String userId = loggedIn(request);
        Object productId = members(request).get("productId");
        checkProduct(productId instanceof String product && Settings.PLAYGAMA_PRODUCTS.contains(product));
        return Reply.of(200, "externalId", store.mintIntent(userId, (String) productId));
    }

    private Reply purchase(Web.Request request) {
        String userId = loggedIn(request);
        var sent = members(request);
        String productId = playgama.submit(sent.get("jwt"), sent.get("externalId"), userId);
        return productId == null
                ? Reply.of(202, "status", "pending")
                : Reply.of(200, "status", "granted", "productId", productId);
    }

    private String loggedIn(Web.Request request) {
        return sessions.userOf(request.authorizations().isEmpty() ? "" : request.authorizations().get(0));
    }

    /** The members of a JSON object, none for any bytes that hold no such thing. */
    private static Map<String, Object> members(Web.Request request) {
        try {
            return Json.parseObject(request.body());
        } catch (Refused notJson) {
            return Map.of();
        }
    }

    private Reply inventory(Web.Request request) {
        var items = store.inventory(request.query().getOrDefault("user", "")).entrySet().stream()
                .map(item -> Map.<String, Object>of("productId", item.getKey(), "qty", item.getValue()))
                .toList();
        return Reply.of(200, "items", items);
    }
}
