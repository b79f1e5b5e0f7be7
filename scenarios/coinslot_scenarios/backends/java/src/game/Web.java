package game;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

/** HTTP in: bytes to the route that answers them, errors to JSON. It knows no portal. */
final class Web {
    private static final int BODY_BYTES_MAX = 1_048_576;
    private static final int BACKLOG = 1024;
    private static final int THREADS = 128;

    /** What a route gets: the bytes as they came, whatever their content type. */
    record Request(byte[] body, Map<String, String> query, List<String> authorizations) {}

    interface Route {
        Reply answer(Request request);
    }

    private final Map<String, Map<String, Route>> routes = new HashMap<>(); // path -> method -> route

    void add(String method, String path, Route route) {
        routes.computeIfAbsent(path, any -> new HashMap<>()).put(method, route);
    }

    /** Starts to listen; returns the port. */
    int start(int port) throws IOException {
        HttpServer server;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
        } catch (IOException | IllegalArgumentException error) {
            throw new IOException("cannot listen on port " + port + ": " + error.getMessage());
        }
        server.setExecutor(Executors.newFixedThreadPool(THREADS));
        server.createContext("/", this::handle);
        server.start();
        return server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) {
        var reply = Reply.of(503, "error", "system-error");
        try (exchange) {
            reply = answer(exchange);
            send(exchange, reply);
        } catch (IOException gone) {
            // whoever asked no longer listens; what was decided stays decided
        } finally {
            if (reply.afterwards() != null) {
                reply.afterwards().run();
            }
        }
    }

    private Reply answer(HttpExchange exchange) throws IOException {
        // read before anything is answered: the server drops a connection whose body nobody asked for
        byte[] body = exchange.getRequestBody().readNBytes(BODY_BYTES_MAX + 1);
        var found = routes.get(exchange.getRequestURI().getPath());
        if (found == null) {
            return Reply.of(404, "error", "not-found");
        }
        var route = found.get(exchange.getRequestMethod());
        if (route == null) {
            return Reply.of(405, "error", "method-not-allowed");
        }
        if (body.length > BODY_BYTES_MAX) {
            return Reply.of(413, "error", "request-too-large");
        }
        try {
            var authorizations = exchange.getRequestHeaders().getOrDefault("Authorization", List.of());
            return route.answer(new Request(body, query(exchange.getRequestURI().getRawQuery()), authorizations));
        } catch (Undecided error) {
            return Reply.of(503, "error", error.code);
        } catch (Refused error) {
            return Reply.of(status(error.code), "error", error.code);
        } catch (RuntimeException error) {
            error.printStackTrace();
            return Reply.of(503, "error", "system-error");
        }
    }

    private static int status(String code) {
        return switch (code) {
            case "token-malformed", "product-unknown", "field-invalid" -> 400;
            case "session-invalid" -> 401;
            case "portal-refused" -> 502;
            default -> 403;
        };
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new HashMap<>();
        for (String pair : raw == null ? new String[0] : raw.split("&")) {
            String[] parts = pair.split("=", 2);
            query.putIfAbsent(decode(parts[0]), parts.length == 2 ? decode(parts[1]) : "");
        }
        return query;
    }

    private static String decode(String part) {
        try {
            return URLDecoder.decode(part, UTF_8);
        } catch (IllegalArgumentException error) {
            throw new Refused("field-invalid", "the query cannot be read");
        }
    }

    private static void send(HttpExchange exchange, Reply reply) throws IOException {
        byte[] body = Json.write(reply.body()).getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        if (reply.status() == 503) {
            exchange.getResponseHeaders().set("Retry-After", "1");
        }
        if ("close".equalsIgnoreCase(exchange.getRequestHeaders().getFirst("Connection"))) {
            exchange.getResponseHeaders().set("Connection", "close"); // the JDK's server closes and does not say so
        }
        boolean isHead = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(reply.status(), isHead ? -1 : body.length);
        if (!isHead) {
            try (var out = exchange.getResponseBody()) {
                out.write(body);
            }
        }
    }
}
