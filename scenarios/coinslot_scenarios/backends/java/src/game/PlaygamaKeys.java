package game;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Playgama's key set: which keys may have signed a token that names this kid? (playgama:2, playgama:3.A)
 *
 * The set is kept for a while. A kid that it lacks may be a key that was published since, so the set is fetched again;
 * but anybody can invent kids, so this happens at most once per second, and all who wait share the fetch.
 */
final class PlaygamaKeys {
    private static final String UNAVAILABLE = "key-source-unavailable";
    private static final long COOL_DOWN_NS = 1_000_000_000L;

    private final String url;
    private final long cacheNs;
    private final HttpOut http;
    private final Object refetching = new Object();
    private long refetchedAtNs = System.nanoTime() - COOL_DOWN_NS;
    private volatile Fetched fetched;

    /** A set as it was when its fetch began. */
    private record Fetched(List<Keys.SetKey> keys, long atNs) {}

    PlaygamaKeys(Settings.Playgama playgama, HttpOut http) {
        this.url = playgama.url() + "/.well-known/jwks.json";
        this.cacheNs = playgama.keyCacheS() * 1_000_000_000L;
        this.http = http;
    }

    /** Every key of this kid and algorithm, mostly one. Refused where there is none even in a fresh set. */
    List<Keys.SetKey> find(Object kid, Object algorithm) {
        long nowNs = System.nanoTime();
        if (!isFetchedSince(nowNs - cacheNs)) {
            fetch(nowNs - cacheNs);
        }
        var found = matching(kid, algorithm);
        if (found.isEmpty()) {
            refetch(nowNs);
            found = matching(kid, algorithm);
        }
        if (found.isEmpty()) {
            throw new Refused("kid-unknown", "the portal publishes no such key");
        }
        return found;
    }

    /** A token without a kid is taken only where there is nothing to choose. */
    private List<Keys.SetKey> matching(Object kid, Object algorithm) {
        var usable = fetched.keys().stream().filter(key -> key.algorithm().equals(algorithm)).toList();
        if (kid == null) {
            return usable.size() == 1 ? usable : List.of();
        }
        return usable.stream().filter(key -> kid.equals(key.kid())).toList();
    }

    private void refetch(long sinceNs) {
        synchronized (refetching) {
            if (isFetchedSince(sinceNs)) {
                return; // somebody else's fetch, begun after we came
            }
            pause(refetchedAtNs + COOL_DOWN_NS - System.nanoTime());
            refetchedAtNs = System.nanoTime();
            fetch(refetchedAtNs);
        }
    }

    private synchronized void fetch(long sinceNs) {
        if (isFetchedSince(sinceNs)) {
            return;
        }
        long atNs = System.nanoTime();
        var answer = http.get(url, UNAVAILABLE);
        var keys = answer.status() == 200 ? readKeySet(answer.body()) : List.<Keys.SetKey>of();
        if (keys.isEmpty()) { // an outage must not empty the cache
            throw new Undecided(UNAVAILABLE, "no usable key in the key set (HTTP " + answer.status() + ")");
        }
        fetched = new Fetched(keys, atNs);
    }

    private boolean isFetchedSince(long ns) {
        var now = fetched;
        return now != null && now.atNs() - ns >= 0;
    }

    private static void pause(long ns) {
        try {
            Thread.sleep(Math.max(0, ns / 1_000_000));
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new Undecided(UNAVAILABLE, "interrupted");
        }
    }

    @SuppressWarnings("unchecked")
    private static List<Keys.SetKey> readKeySet(byte[] body) {
        try {
            if (Json.parseObject(body).get("keys") instanceof List<?> entries) {
                return entries.stream()
                        .filter(Map.class::isInstance)
                        .map(entry -> Keys.readJwk((Map<String, Object>) entry))
                        .filter(Objects::nonNull)
                        .toList();
            }
        } catch (Refused notJson) {
            // as good as no key
        }
        return List.of();
    }
}
