import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Runs a file of Flink SQL in one JVM: the tables and views that it creates, then all its INSERTs as one job. Statements end
 * with a semicolon at the end of a line. Arguments: the file, the folder of the checkpoints, milliseconds between them.
 */
public class FlinkJob {
    public static void main(String[] arguments) throws Exception {
        Configuration settings = new Configuration();
        settings.setString("parallelism.default", "2");
        settings.setString("taskmanager.numberOfTaskSlots", "2");
        settings.setString("taskmanager.memory.network.min", "64mb");
        settings.setString("taskmanager.memory.network.max", "64mb");
        settings.setString("execution.checkpointing.interval", arguments[2] + " ms");
        settings.setString("execution.checkpointing.dir", Path.of(arguments[1]).toUri().toString());
        settings.setString("table.exec.mini-batch.enabled", "true");
        settings.setString("table.exec.mini-batch.allow-latency", "100 ms");
        settings.setString("table.exec.mini-batch.size", "20000");
        settings.setString("pipeline.object-reuse", "true");
        StreamTableEnvironment tables =
                StreamTableEnvironment.create(StreamExecutionEnvironment.createLocalEnvironment(settings));
        StatementSet inserts = tables.createStatementSet();
        for (String statement : Files.readString(Path.of(arguments[0])).split(";\\s*\\n")) {
            if (statement.stripLeading().startsWith("INSERT")) {
                inserts.addInsertSql(statement);
            } else if (!statement.isBlank()) {
                tables.executeSql(statement);
            }
        }
        var job = inserts.execute();
        System.out.println("consuming");
        job.await();
    }
}
