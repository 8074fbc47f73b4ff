import java.io.File;
import java.io.FileOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.MiniYARNCluster;

/** HDFS and YARN in one JVM: `java MiniCluster.java FOLDER`. Writes the clients' configuration to FOLDER/conf, and the
 *  file FOLDER/ready when it serves. It works in the current folder and ends when it is killed. The servers also read
 *  FOLDER/server.xml, if it exists. */
public class MiniCluster {
    /** What clients need to know besides the addresses. */
    private static final String[] SHARED = {
        "yarn.log-aggregation-enable", "yarn.nodemanager.remote-app-log-dir", "yarn.nodemanager.remote-app-log-dir-suffix"
    };

    public static void main(String[] arguments) throws Exception {
        try {
            start(new File(arguments[0]));
        } catch (Throwable error) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1); // threads of a half-started cluster would keep the JVM alive
        }
    }

    private static void start(File folder) throws Exception {
        YarnConfiguration conf = new YarnConfiguration();
        conf.set("dfs.replication", "1");
        if (new File(folder, "server.xml").exists()) {
            conf.addResource(new Path(new File(folder, "server.xml").toURI()));
            UserGroupInformation.setConfiguration(conf);
        }
        MiniDFSCluster hdfs = new MiniDFSCluster.Builder(conf, new File(folder, "dfs")).numDataNodes(1).build();
        hdfs.waitActive();
        FileSystem files = hdfs.getFileSystem();
        for (String name : new String[] {"/tmp", "/user", "/castro"}) {
            files.mkdirs(new Path(name));
            files.setPermission(new Path(name), new FsPermission((short) 01777));
        }
        conf.set("fs.defaultFS", files.getUri().toString());
        conf.set("yarn.nodemanager.resource.memory-mb", "6144");
        conf.set("yarn.nodemanager.resource.cpu-vcores", "8");
        conf.set("yarn.scheduler.minimum-allocation-mb", "128");
        conf.set("yarn.nodemanager.vmem-check-enabled", "false");
        conf.set("yarn.scheduler.capacity.root.queues", "default");
        conf.set("yarn.scheduler.capacity.root.default.capacity", "100");
        conf.set("yarn.scheduler.capacity.maximum-am-resource-percent", "1");
        conf.set("yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage", "99");
        conf.set("yarn.log-aggregation-enable", "true");
        conf.set("yarn.nodemanager.delete.debug-delay-sec", "3600"); // the tests look into the containers' folders
        conf.set("yarn.resourcemanager.am.max-attempts", "4");
        MiniYARNCluster yarn = new MiniYARNCluster("mini", 1, 1, 1);
        yarn.init(conf);
        yarn.start();
        yarn.waitForNodeManagersToConnect(30_000);

        // Only addresses: the whole configuration names classes of the mini clusters.
        Configuration core = new Configuration(false);
        core.set("fs.defaultFS", files.getUri().toString());
        Configuration site = new Configuration(false);
        for (String name : new String[] {"address", "scheduler.address", "webapp.address", "admin.address"}) {
            String key = "yarn.resourcemanager." + name;
            site.set(key, yarn.getConfig().get(key));
        }
        for (String key : SHARED) {
            site.set(key, yarn.getConfig().get(key));
        }
        write(core, new File(folder, "conf/core-site.xml"));
        write(site, new File(folder, "conf/yarn-site.xml"));
        new File(folder, "ready").createNewFile();
        Thread.sleep(Long.MAX_VALUE);
    }

    private static void write(Configuration configuration, File file) throws Exception {
        file.getParentFile().mkdirs();
        try (FileOutputStream out = new FileOutputStream(file)) {
            configuration.writeXml(out);
        }
    }
}
