package game;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** What we tell and ask Jogos: an order was delivered; which orders are paid? (jogos:iap.2, jogos:iap.3) */
final class JogosApi {
    private static final long PAGE_SIZE = 100;
    private static final int PAGES_MAX = 10_000;
    private static final String UNAVAILABLE = "confirm-unavailable";

    private final Settings.Jogos jogos;
    private final HttpOut http;

    record ListedOrder(String orderId, String userId, String productId, boolean refunded, boolean arrived) {}

    JogosApi(Settings.Jogos jogos, HttpOut http) {
        this.jogos = jogos;
        this.http = http;
    }

    /** Reports an order as delivered; returns where the portal said yes. Repeating it is harmless. */
    void reportDelivered(String orderId) {
        var fields = fields();
        fields.put("orderId", orderId);
        checkCode(post("/api/gamepay/webhook/arrivedorder", fields), Set.of("200", 200L));
    }

    /**
     * Hands over every paid order that the portal lists, each once, page by page; returns their number.
     *
     * An order that is paid while we read pushes rows to the next page, so a row may come twice. Table and example of
     * the document disagree about the answer's shape; both are read.
     */
    int listOrders(Consumer<ListedOrder> settle) {
        Set<String> seen = new HashSet<>();
        long pageSize = PAGE_SIZE;
        for (long pageNo = 1; pageNo <= PAGES_MAX; pageNo++) {
            var fields = fields();
            fields.put("pageNo", pageNo);
            fields.put("pageSize", pageSize);
            var answer = post("/api/gamepay/getOrders", fields);
            checkCode(answer, Set.of("200", 200L, "SUCCESS"));
            var page = asObject(answer.getOrDefault("page", answer));
            var rows = page.get("content") == null ? List.of() : page.get("content");
            if (!(rows instanceof List<?> content)) {
                throw new Undecided(UNAVAILABLE, "the list of orders cannot be read");
            }
            for (Object row : content) {
                var order = readRow(row);
                if (order != null && seen.add(order.orderId())) {
                    settle.accept(order);
                }
            }
            if (content.isEmpty() || page.get("totalPage") instanceof Long last && pageNo >= last) {
                return seen.size();
            }
            // the portal may give less than we ask for; its own size decides where the next page begins
            pageSize = page.get("pageSize") instanceof Long size && size > 0 ? size : pageSize;
        }
        throw new Undecided(UNAVAILABLE, "more than " + PAGES_MAX + " pages of orders");
    }

    /** One row, or null where it cannot be used: one odd row must not hide all others. */
    private static ListedOrder readRow(Object row) {
        try {
            var fields = asObject(row);
            return new ListedOrder(
                    Fields.text(fields, "orderId"),
                    Fields.decimalId(fields, "userId"),
                    Fields.text(fields, "productId"),
                    Fields.refundStatus(fields) == 1,
                    Long.valueOf(1).equals(fields.get("arrivedStatus")));
        } catch (Problem error) {
            System.err.println("getOrders: a row is left out: " + error.getMessage());
            return null;
        }
    }

    private Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("gameId", Long.valueOf(jogos.gameId()));
        return fields;
    }

    private Map<String, Object> post(String path, Map<String, Object> fields) {
        byte[] body = Json.write(fields).getBytes(UTF_8); // written once: these bytes are signed, and these are sent
        var answer = http.post(jogos.apiUrl() + path, body, JogosNotice.sign(body, jogos.sharedKey()), UNAVAILABLE);
        if (answer.status() >= 500) {
            throw new Undecided(UNAVAILABLE, "the portal answered HTTP " + answer.status());
        }
        try {
            return Json.parseObject(answer.body());
        } catch (Refused notJson) {
            throw new Undecided(UNAVAILABLE, "HTTP " + answer.status() + " without a JSON object");
        }
    }

    /** The code in the body decides, not the HTTP status: the document has errors in a 200. */
    private static void checkCode(Map<String, Object> answer, Set<Object> good) {
        Object code = answer.get("code");
        if (code != null && good.contains(code)) {
            return;
        }
        String message = "the portal answered code " + code;
        if (Set.of("305", "40001", "41007").contains(String.valueOf(code))) {
            throw new Refused("portal-refused", message);
        }
        throw new Undecided(UNAVAILABLE, message);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asObject(Object value) {
        if (value instanceof Map) {
            return (Map<String, Object>) value;
        }
        throw new Undecided(UNAVAILABLE, "no JSON object where one is needed");
    }
}
