import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.ToolProvider;

/**
 * Compiles src/game into a temporary folder and runs it, so that a JDK is all this example needs:
 *
 *   java Start.java
 *
 * A real project has a build tool and takes src/game alone.
 */
class Start {
    public static void main(String[] arguments) throws Exception {
        Path classes = Files.createTempDirectory("java-backend-classes-");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(classes)));
        List<String> options = new ArrayList<>(List.of("-proc:none", "-implicit:none", "-d", classes.toString()));
        try (var sources = Files.list(Path.of("src", "game"))) {
            sources.map(Path::toString).filter(name -> name.endsWith(".java")).sorted().forEach(options::add);
        }
        int failed = ToolProvider.getSystemJavaCompiler().run(null, null, null, options.toArray(String[]::new));
        if (failed != 0) {
            System.exit(2);
        }
        var loader = new URLClassLoader(new URL[] {classes.toUri().toURL()}, Start.class.getClassLoader());
        try {
            loader.loadClass("game.Main").getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException thrown) {
            throw thrown.getCause() instanceof Exception cause ? cause : thrown;
        }
    }

    private static void delete(Path folder) {
        try (var inside = Files.walk(folder)) {
            inside.sorted((one, other) -> other.compareTo(one)).forEach(path -> path.toFile().delete());
        } catch (java.io.IOException ignored) {
            // a temporary folder that stays behind harms nobody
        }
    }
}
