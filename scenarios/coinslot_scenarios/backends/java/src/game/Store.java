package game;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Who was granted what, once per order: an append-only file of JSON lines, and the same facts in memory.
 *
 * Exactly once rests on two things. Every method is synchronized, so between look-up and insert of one notification
 * there is no other. And a record is on the disk (force) before anybody is told that it exists, so a crash loses
 * nothing that was answered. This holds for one process. With several, put orders into a database under a unique
 * constraint on (portal, order) and let the constraint decide: looking first and inserting then would grant twice.
 */
final class Store implements AutoCloseable {
    enum Granted { NOW, BEFORE, REFUNDED_BEFORE }

    record Order(String portal, String orderId) {}

    /** externalId: what a purchase was opened under; null where the portal has no such thing. */
    record Grant(String userId, String productId, String externalId) {}

    record Session(String userId, long endsAtMs) {}

    private final FileChannel file;
    private long size;
    private final Map<Order, Grant> grants = new HashMap<>();
    private final Set<Order> refunds = new HashSet<>(); // of orders that were never granted too
    private final Map<String, List<Order>> ordersOf = new HashMap<>();
    private final Set<Order> unconfirmed = new HashSet<>();
    private final Map<Order, Long> confirmedAtMs = new HashMap<>();
    private final Map<String, Grant> intents = new HashMap<>(); // by external id
    private final Map<String, Session> sessions = new HashMap<>(); // by digest
    private final SecureRandom random = new SecureRandom();

    Store(Path path) throws IOException {
        file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        byte[] bytes = Files.readAllBytes(path);
        // a last line without its end was being written when the power went; nobody was told of it
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        size = end;
        file.truncate(size).position(size);
        new String(bytes, 0, end, UTF_8).lines().map(Json::parseObject).forEach(this::remember);
    }

    @Override
    public synchronized void close() throws IOException {
        file.close();
    }

    /**
     * Gives the item of a paid order, unless it was given or refunded before.
     *
     * confirmed   there is nothing to report to the portal
     */
    synchronized Granted grant(Order order, Grant grant, boolean confirmed) {
        if (grants.containsKey(order)) {
            return Granted.BEFORE;
        }
        if (refunds.contains(order)) {
            return Granted.REFUNDED_BEFORE;
        }
        var record = record("grant", order);
        record.put("userId", grant.userId());
        record.put("productId", grant.productId());
        record.put("externalId", grant.externalId());
        record.put("confirmed", confirmed);
        append(record);
        return Granted.NOW;
    }

    /**
     * Takes the item back from whoever was granted it. A refund that comes before its payment is remembered, so that
     * the late payment grants nothing.
     */
    synchronized void revoke(Order order) {
        if (!refunds.contains(order)) {
            append(record("refund", order));
        }
    }

    /** Who was granted an order and what, or null. */
    synchronized Grant findGrant(Order order) {
        return grants.get(order);
    }

    synchronized boolean isRefunded(Order order) {
        return refunds.contains(order);
    }

    /** Every grant at a portal that was not refunded. */
    synchronized Map<Order, Grant> standingGrants(String portal) {
        Map<Order, Grant> standing = new LinkedHashMap<>(grants);
        standing.keySet().removeIf(order -> !order.portal().equals(portal) || refunds.contains(order));
        return standing;
    }

    /** Product to quantity: granted and not refunded. */
    synchronized Map<String, Integer> inventory(String userId) {
        Map<String, Integer> quantities = new TreeMap<>();
        for (Order order : ordersOf.getOrDefault(userId, List.of())) {
            if (!refunds.contains(order)) {
                quantities.merge(grants.get(order).productId(), 1, Integer::sum);
            }
        }
        return quantities;
    }

    /** Granted orders that the portal has not been told of, or has not acknowledged. */
    synchronized List<Order> unconfirmed() {
        return List.copyOf(unconfirmed);
    }

    synchronized void confirm(Order order) {
        var record = record("confirmed", order);
        record.put("atMs", System.currentTimeMillis());
        append(record);
    }

    /** The portal does not hold an order for delivered, though it said so before listedAtMs: tell it again. */
    synchronized void reopen(Order order, long listedAtMs) {
        if (confirmedAtMs.getOrDefault(order, Long.MAX_VALUE) < listedAtMs) {
            append(record("reopened", order));
        }
    }

    /** An id of our own for one purchase, bound to player and product before any money moves. */
    synchronized String mintIntent(String userId, String productId) {
        byte[] bytes = new byte[18];
        random.nextBytes(bytes);
        String externalId = Base64.getUrlEncoder().encodeToString(bytes);
        Map<String, Object> record = new LinkedHashMap<>();
        record.put("type", "intent");
        record.put("externalId", externalId);
        record.put("userId", userId);
        record.put("productId", productId);
        append(record);
        return externalId;
    }

    synchronized Grant findIntent(String externalId) {
        return intents.get(externalId);
    }

    synchronized void addSession(String digest, Session session) {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put("type", "session");
        record.put("digest", digest);
        record.put("userId", session.userId());
        record.put("endsAtMs", session.endsAtMs());
        append(record);
    }

    synchronized Session findSession(String digest) {
        return sessions.get(digest);
    }

    private static Map<String, Object> record(String type, Order order) {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put("type", type);
        record.put("portal", order.portal());
        record.put("orderId", order.orderId());
        return record;
    }

    /** To the disk first, then to memory: a full disk throws here, and nothing has happened. */
    private void append(Map<String, Object> record) {
        byte[] line = (Json.write(record) + "\n").getBytes(UTF_8);
        try {
            try {
                for (var bytes = ByteBuffer.wrap(line); bytes.hasRemaining(); ) {
                    file.write(bytes);
                }
                file.force(true);
            } catch (IOException error) {
                file.truncate(size).position(size);
                throw error;
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        size += line.length;
        remember(record);
    }

    private void remember(Map<String, Object> record) {
        var userId = (String) record.get("userId");
        var externalId = (String) record.get("externalId");
        var grant = new Grant(userId, (String) record.get("productId"), externalId);
        var order = new Order((String) record.get("portal"), (String) record.get("orderId"));
        switch ((String) record.get("type")) {
            case "intent" -> intents.put(externalId, grant);
            case "session" -> sessions.put(
                    (String) record.get("digest"), new Session(userId, (Long) record.get("endsAtMs")));
            case "grant" -> {
                grants.put(order, grant);
                ordersOf.computeIfAbsent(userId, user -> new ArrayList<>()).add(order);
                if (!(Boolean) record.get("confirmed")) {
                    unconfirmed.add(order);
                }
            }
            case "refund" -> refunds.add(order);
            case "confirmed" -> {
                unconfirmed.remove(order);
                confirmedAtMs.put(order, (Long) record.get("atMs"));
            }
            case "reopened" -> {
                unconfirmed.add(order);
                confirmedAtMs.remove(order);
            }
            default -> throw new IllegalStateException("the journal holds an unknown record");
        }
    }
}
