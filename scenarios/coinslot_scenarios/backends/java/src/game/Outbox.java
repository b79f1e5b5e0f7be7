package game;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Tells the portal of delivered orders, after the answer to its notification and for as long as it takes.
 *
 * What is still to be told is in the store, so a crash between grant and report only delays the report. A report
 * inside the notification's request would make the portal wait for itself.
 */
final class Outbox {
    private static final int THREADS = 8;
    private static final long FIRST_WAIT_MS = 500;
    private static final long WAIT_MAX_MS = 60_000;

    private final Store store;
    private final JogosApi api;
    private final Set<Store.Order> taken = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(THREADS);

    Outbox(Store store, JogosApi api) {
        this.store = store;
        this.api = api;
    }

    /** Something may have been granted. */
    void wake() {
        for (var order : store.unconfirmed()) {
            if (taken.add(order)) {
                threads.execute(() -> report(order, FIRST_WAIT_MS));
            }
        }
    }

    private void report(Store.Order order, long waitMs) {
        try {
            api.reportDelivered(order.orderId());
            store.confirm(order);
            taken.remove(order);
        } catch (RuntimeException error) {
            System.err.printf("arrivedorder %s: %s; again in %d ms%n", order.orderId(), error.getMessage(), waitMs);
            long nextMs = Math.min(waitMs * 2, WAIT_MAX_MS);
            threads.schedule(() -> report(order, nextMs), waitMs, TimeUnit.MILLISECONDS);
        }
    }
}
